#include "tests/apps/program.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace program {

namespace fs = std::filesystem;

namespace {

void redirect(const fs::path& file, int descriptor) {
  const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
  ::close(opened);
}

[[noreturn]] void become_program(const std::vector<char*>& arguments, const Limits& limits,
                                 const fs::path& out, const fs::path& err) {
  redirect(limits.full_stdout ? "/dev/full" : out, STDOUT_FILENO);
  redirect(err, STDERR_FILENO);
  std::signal(SIGINT, SIG_DFL);  // a job behind & was started to ignore it
  if (limits.file_bytes) {
    const auto most = static_cast<rlim_t>(*limits.file_bytes);
    const rlimit limit{most, most};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(126);
  }
  ::execvp(arguments[0], arguments.data());
  ::_exit(126);
}

int wait_for(pid_t child, const std::function<bool()>& kill_when, int signal) {
  int state = 0;
  bool asks = static_cast<bool>(kill_when);
  pid_t ended = 0;
  while ((ended = ::waitpid(child, &state, asks ? WNOHANG : 0)) == 0) {
    try {
      asks = !kill_when();
    } catch (...) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &state, 0);
      throw;
    }
    if (!asks) ::kill(child, signal);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  if (ended != child) throw std::runtime_error("waitpid failed");
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

// What mpirun told a process as its rank; -1 where it is none of its.
int rank_of(const fs::path& process) {
  std::ifstream stream(process / "environ", std::ios::binary);
  const std::string words((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  const std::string name = "OMPI_COMM_WORLD_RANK=";
  const auto at = words.find(name);
  return at == std::string::npos ? -1 : std::atoi(words.c_str() + at + name.size());
}

}  // namespace

Outcome run(const Arguments& arguments, const Limits& limits) {
  const TemporaryFolder streams;
  const fs::path out = streams / "out", err = streams / "err";
  Arguments words = arguments;
  const char* const another = std::getenv("SONOGRAD_PROGRAM");
  words.insert(words.begin(), another ? another : SONOGRAD_BINARY_DIR "/apps/sonograd");
  words.insert(words.begin(), limits.launcher.begin(), limits.launcher.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become_program(pointers, limits, out, err);
  const int status = wait_for(child, limits.kill_when, limits.signal);
  return {status, limits.full_stdout ? "" : bytes_of(out), bytes_of(err)};
}

void check_refused(const Outcome& outcome, int status, const Arguments& words) {
  CAPTURE(outcome.err);
  CHECK(outcome.status == status);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.rfind("sonograd: ", 0) == 0);
  CHECK(lines(outcome.err).size() == 1);
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(outcome.err.find(word) != std::string::npos);
  }
}

void check_done(const Outcome& outcome) {
  CAPTURE(outcome.err);
  CHECK(outcome.status == 0);
}

std::map<std::string, nlohmann::json> answer_by(const Arguments& call, const char* list, const char* key) {
  const Outcome outcome = run(call);
  check_done(outcome);
  std::map<std::string, nlohmann::json> by_key;
  const auto answer = nlohmann::json::parse(outcome.out);
  for (const nlohmann::json& item : answer.at(list)) by_key[item.at(key)] = item;
  return by_key;
}

Arguments with(Arguments arguments, const Arguments& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

Arguments without(Arguments arguments, const std::string& flag) {
  arguments.erase(std::remove(arguments.begin(), arguments.end(), flag), arguments.end());
  return arguments;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream << bytes;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file.string());
}

std::vector<std::pair<std::string, std::string>> contents(const fs::path& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files.emplace_back(entry.path().lexically_relative(folder).string(), bytes_of(entry.path()));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> list;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) list.push_back(line);
  return list;
}

long times(const std::string& words, const std::string& text) {
  long count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

pid_t process_of(int rank, const std::string& words) {
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream stream(entry.path() / "cmdline", std::ios::binary);
    const std::string line((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (line.find(words) != std::string::npos && rank_of(entry.path()) == rank)
      return static_cast<pid_t>(std::stol(name));
  }
  return 0;
}

}  // namespace program

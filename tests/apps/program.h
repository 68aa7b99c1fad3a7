#pragma once
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/temporary_folder.h"

// The program `sonograd` run as a user runs it: arguments in; exit status and both streams out.
namespace program {

using Arguments = std::vector<std::string>;

using sonograd::TemporaryFolder;

struct Limits {
  Arguments launcher = {};               // the words before the program's own name: mpirun and its flags
  std::optional<long> file_bytes = {};   // the largest file that it may write: a stand-in for a full disk
  bool full_stdout = false;              // stdout is /dev/full, which takes nothing
  std::function<bool()> kill_when = {};  // asked all the time; the signal once it says yes
  int signal = 9;                        // SIGKILL
};

struct Outcome {
  int status = 0;  // exit status; 128 + the signal where one ended the program
  std::string out, err;
};

Outcome run(const Arguments& arguments, const Limits& limits = {});

// Checks that a run ended with `status` and said so in one line on stderr, `sonograd: …`, which holds every
// one of `words`, and that stdout stayed empty.
void check_refused(const Outcome& outcome, int status, const Arguments& words);
// Checks that a run ended well, and shows its complaint where not.
void check_done(const Outcome& outcome);

// The list `list` of a finished command's JSON answer, by each item's `key`.
std::map<std::string, nlohmann::json> answer_by(const Arguments& call, const char* list, const char* key);

Arguments with(Arguments arguments, const Arguments& more);
Arguments without(Arguments arguments, const std::string& flag);

std::string bytes_of(const std::filesystem::path& file);
void write(const std::filesystem::path& file, const std::string& bytes);
// Every file of a folder with its bytes, in byte order of the names.
std::vector<std::pair<std::string, std::string>> contents(const std::filesystem::path& folder);
std::vector<std::string> lines(const std::string& text);
// The process of that rank, started by mpirun, which has `words` in its command line; 0 where there is none.
pid_t process_of(int rank, const std::string& words);

long times(const std::string& words, const std::string& text);  // how often they stand there

}  // namespace program

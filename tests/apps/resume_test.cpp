// Runs that are killed with -9 and go on with --resume end bit for bit as one that nothing disturbed.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int killed = 128 + 9;
constexpr int last_step = 24;  // two phases of two epochs of six batches

Arguments training(const fs::path& out, const Arguments& more = {}) {
  return small_run().small_training(
      out.string(),
      with({"--phases", "scratch,finetune", "--lr", "1e-2,1e-3", "--schedule", "cosine", "--accumulate", "2",
            "--clip-norm", "1", "--checkpoint-steps", "2", "--augment", "jitter,flip", "--keep-checkpoint"},
           more));
}

std::string without_last_column(const std::string& csv) {
  std::string text;
  for (const std::string& line : lines(csv)) text += line.substr(0, line.rfind(',')) + "\n";
  return text;
}

// Weights, moments and state, the state's seconds left out.
std::string without_seconds(const std::string& checkpoint) {
  std::uint64_t length = 0;
  std::memcpy(&length, checkpoint.data(), sizeof length);
  json header = json::parse(checkpoint.substr(8, length));
  json state = json::parse(header["__metadata__"]["state"].get<std::string>());
  state.erase("seconds");
  for (json& epoch : state["history"]) epoch.erase(6);
  header["__metadata__"]["state"] = state;
  return header.dump() + checkpoint.substr(8 + length);
}

// What a run leaves behind, by file, less the times of day and durations; the report shows those among the
// rest.
std::map<std::string, std::string> results(const fs::path& run) {
  std::map<std::string, std::string> left;
  for (auto& [name, bytes] : contents(run)) {
    if (name == "report.html") continue;
    if (name == "history.csv" || name == "tables/history.csv") bytes = without_last_column(bytes);
    if (name == "checkpoint.safetensors") bytes = without_seconds(bytes);
    if (name == "manifest.json") {
      json manifest = json::parse(bytes);
      for (const char* key : {"command", "started", "finished", "resumed"}) manifest.erase(key);
      bytes = manifest.dump();
    }
    left[name] = bytes;
  }
  return left;
}

const std::map<std::string, std::string>& undisturbed() {
  static const auto expected = [] {
    const fs::path run = small_run().folder / "undisturbed";
    check_done(program::run(training(run)));
    return results(run);
  }();
  return expected;
}

void check_goes_on(const fs::path& run) {
  check_done(program::run(training(run, {"--resume"})));
  const auto found = results(run);
  CHECK(found.size() == undisturbed().size());
  for (const auto& file : undisturbed()) {
    CAPTURE(file.first);
    REQUIRE(found.count(file.first) == 1);
    CHECK((found.at(file.first) == file.second));  // in brackets: the bytes are not to be printed
  }
}

// Stands a pipe where the program is about to write its checkpoint aside, and takes `bytes` of it: then the
// program hangs in the middle of the write, for the kill.
class HalfWritten {
 public:
  HalfWritten(fs::path run, long after_step, std::size_t bytes)
      : run(std::move(run)), after_step(after_step), bytes(bytes) {}

  bool operator()() {
    if (checkpoint_step(run) < after_step) return false;
    if (reader < 0 && ::mkfifo(aside().c_str(), 0600) != 0) return false;  // a write is under way: try again
    if (reader < 0) reader = ::open(aside().c_str(), O_RDONLY | O_NONBLOCK);
    char block[1024];
    const ssize_t got = ::read(reader, block, std::min(bytes - part.size(), sizeof block));
    if (got > 0) part.append(block, static_cast<std::size_t>(got));
    return part.size() == bytes;
  }

  // What a disk would hold: the part that was written.
  void leave_part() const {
    ::close(reader);
    fs::remove(aside());
    write(aside(), part);
  }

 private:
  fs::path aside() const { return run / "checkpoint.safetensors.tmp"; }

  fs::path run;
  long after_step;
  std::size_t bytes;
  int reader = -1;
  std::string part;
};

}  // namespace

// The threads of the program that this one started, and how many of them would take a signal now.
struct Threads {
  int all = 0, open = 0;
};
Threads threads_of_child(int signal) {
  Threads threads;
  const fs::path self = fs::path("/proc/self/task") / std::to_string(::gettid());
  std::string child;
  std::ifstream(self / "children") >> child;
  for (const auto& task : fs::directory_iterator(fs::path("/proc") / child / "task")) {
    std::ifstream status(task.path() / "status");
    for (std::string word; status >> word;)
      if (word == "SigBlk:" && status >> word) {
        ++threads.all;
        threads.open += (std::stoull(word, nullptr, 16) >> (signal - 1) & 1) == 0;
      }
  }
  return threads;
}

TEST_CASE("no thread that computes takes a signal: kernels use the stack pointer for something else") {
  const fs::path run = small_run().folder / "masks";
  Threads interrupts, ends;
  // long enough that it is not over before it is looked at
  const Arguments call = with(training(run), {"--threads", "3", "--epochs", "500"});
  program::run(call, {.kill_when = [&] {
                 if (checkpoint_step(run) < 2) return false;
                 interrupts = threads_of_child(SIGINT);
                 ends = threads_of_child(SIGTERM);
                 return true;
               }});
  CHECK(interrupts.all >= 4);  // three that compute and the one that waits for signals
  CHECK(interrupts.open <= 1);
  CHECK(ends.open <= 1);
}

TEST_CASE("killed at random steps and resumed") {
  const std::uint32_t seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  const bool all = std::getenv("SONOGRAD_FULL") != nullptr;
  for (int i = 0; i < (all ? 10 : 2); ++i) {
    const long step = std::uniform_int_distribution<long>(0, last_step - 8)(random);
    const int pause = std::uniform_int_distribution<int>(0, 15)(random);  // milliseconds: about two steps
    CAPTURE(step);
    CAPTURE(pause);
    const fs::path run = small_run().folder / ("killed-" + std::to_string(i));
    const Outcome outcome = program::run(training(run), {.kill_when = [&] {
                                           if (checkpoint_step(run) < step) return false;
                                           std::this_thread::sleep_for(std::chrono::milliseconds(pause));
                                           return true;
                                         }});
    CHECK(outcome.status == killed);
    CHECK_FALSE(fs::exists(run / "metrics.json"));
    check_goes_on(run);
  }
}

TEST_CASE("Ctrl-C and kill end between two steps, with one line, and the run goes on from there") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    const fs::path run = small_run().folder / ("stopped-" + std::to_string(signal));
    const Outcome outcome = program::run(
        training(run), {.kill_when = [&] { return checkpoint_step(run) >= 4; }, .signal = signal});
    check_refused(outcome, 128 + signal, {"stopped at step ", "; go on with --resume"});
    CHECK(checkpoint_step(run) >= 4);
    for (const auto& file : contents(run)) CHECK(fs::path(file.first).extension() != ".tmp");
    CHECK_FALSE(fs::exists(run / "metrics.json"));
    check_goes_on(run);
  }
}

TEST_CASE("Ctrl-C where nothing is trained ends at once") {
  const fs::path phantoms = small_run().folder / "many";
  const Outcome outcome =
      program::run({"data", "phantom", phantoms.string(), "--count", "3000", "--quiet"},
                   {.kill_when = [&] { return fs::exists(phantoms / "benign"); }, .signal = SIGINT});
  check_refused(outcome, 128 + SIGINT, {"stopped by a signal"});
}

TEST_CASE("killed in the middle of writing a checkpoint") {
  const fs::path run = small_run().folder / "half-written";
  HalfWritten pipe(run, 8, 50000);
  CHECK(program::run(training(run), {.kill_when = [&] { return pipe(); }}).status == killed);
  pipe.leave_part();
  CHECK(checkpoint_step(run) >= 8);
  check_goes_on(run);
}

TEST_CASE("killed after training, before the report") {
  const fs::path run = small_run().folder / "no-report";
  const fs::path pipe = run / "report.html.tmp";  // the program hangs at it
  const auto testing = [&] {
    if (!fs::exists(pipe) && !(fs::exists(run) && ::mkfifo(pipe.c_str(), 0600) == 0)) return false;
    return fs::exists(run / "predictions.csv");
  };
  CHECK(program::run(training(run), {.kill_when = testing}).status == killed);
  fs::remove(pipe);
  CHECK(checkpoint_step(run) == last_step);
  check_goes_on(run);
}

TEST_CASE("a finished run keeps no checkpoint, and --resume says that it is finished") {
  CHECK_FALSE(fs::exists(small_run().run + "/checkpoint.safetensors"));
  const auto before = contents(small_run().run);
  const Arguments again = small_run().small_training(small_run().run, {"--resume"});
  const Outcome words = program::run(again);
  check_done(words);
  CHECK(words.out.rfind(small_run().run + " is finished, there is nothing to resume", 0) == 0);
  CHECK(program::run(with(again, {"--json"})).out == small_run().training.out);
  CHECK((contents(small_run().run) == before));
}

TEST_CASE("a finished run is not taken for one with other flags") {
  const auto refused = [&](const Arguments& flags, const std::string& words) {
    check_refused(program::run(small_run().small_training(small_run().run, with({"--resume"}, flags))), 1,
                  {small_run().run + " is finished, with " + words, "choose another --out"});
  };
  refused({"--batch", "8"}, "batch 4, not 8");
  refused({"--epochs", "9"}, "epochs 2, not 9");
  refused({"--seed", "8"}, "seed 7, not 8");
  refused({"--lr", "0.5"}, "learning rate of scratch ");
  refused({"--phases", "scratch,finetune"}, "phases scratch, not scratch,finetune");
  refused({"--model", "aeganb0"}, "model mini, not aeganb0");
  refused({"--random-labels"}, "random-labels off, not on");
}

TEST_CASE("a run that was broken off before its first checkpoint begins anew, and says so") {
  const fs::path run = small_run().folder / "no-checkpoint";
  fs::copy(small_run().run, run, fs::copy_options::recursive);
  fs::remove(run / "metrics.json");
  fs::remove(run / "best.safetensors");
  const Outcome outcome = program::run(small_run().small_training(run.string(), {"--resume"}));
  check_done(outcome);
  CHECK(outcome.err.find("the run at " + run.string() + " was broken off before its first checkpoint") !=
        std::string::npos);
}

TEST_CASE("trained weights whose checkpoint is gone are not written over") {
  const fs::path run = small_run().folder / "weights-alone";
  fs::copy(small_run().run, run, fs::copy_options::recursive);
  fs::remove(run / "metrics.json");
  const auto before = contents(run);
  for (const Arguments& resume : {Arguments{}, {"--resume"}})
    check_refused(program::run(small_run().small_training(run.string(), resume)), 1,
                  {run.string() + " holds trained weights, but neither the checkpoint.safetensors"});
  CHECK((contents(run) == before));
}

TEST_CASE("a damaged checkpoint is one line, told before the images are looked at") {
  const fs::path run = small_run().folder / "damaged";
  CHECK(program::run(training(run), {.kill_when = [&] { return checkpoint_step(run) >= 4; }}).status ==
        killed);
  const std::string whole = bytes_of(run / "checkpoint.safetensors");
  const auto broken = [&](const std::string& bytes) {
    write(run / "checkpoint.safetensors", bytes);
    const auto before = contents(run);
    check_refused(program::run(training(run, {"--resume"})), 1,
                  {(run / "checkpoint.safetensors").string(),
                   "the run cannot go on: put a whole checkpoint back, or choose another folder"});
    CHECK((contents(run) == before));
  };
  broken("");
  broken(whole.substr(0, whole.size() / 2));
  broken(bytes_of(small_run().best));
  std::string state = whole;
  state.replace(state.find("\\\"stopping"), 4, "\\\"go_");
  broken(state);
}

TEST_CASE("a finished run without its weights says so, and no more can be had of it") {
  const fs::path run = small_run().folder / "no-weights";
  fs::copy(small_run().run, run, fs::copy_options::recursive);
  fs::remove(run / "best.safetensors");
  check_refused(program::run({"evaluate", "--run", run.string()}), 1,
                {"it is finished, but best.safetensors is gone; put it back or give --weights"});
  const Outcome again = program::run(small_run().small_training(run.string(), {"--resume"}));
  check_done(again);
  CHECK(again.out.find("--weights") == std::string::npos);
}

TEST_CASE("evaluate neither marks a run as finished nor tests it on another split") {
  const fs::path run = small_run().folder / "evaluated";
  fs::copy(small_run().run, run, fs::copy_options::recursive);
  check_done(program::run({"evaluate", "--run", run.string(), "--out", run.string()}));
  fs::rename(run / "metrics.json", run / "kept.json");
  const auto before = contents(run);
  const Outcome marks = program::run({"evaluate", "--run", run.string(), "--out", run.string() + "/."});
  CHECK(marks.status == 1);
  CHECK(marks.err.find("holds a run that results would mark as finished; choose another --out") !=
        std::string::npos);
  CHECK((contents(run) == before));
  fs::rename(run / "kept.json", run / "metrics.json");
  check_done(program::run(
      {"data", "split", small_run().data, "--seed", "9", "--out", (run / "split.json").string()}));
  check_refused(program::run({"evaluate", "--run", run.string()}), 1,
                {"split.json is not the split of this run, whose manifest names another"});
}

TEST_CASE("--resume that finds no run says so and begins one") {
  const fs::path run = small_run().folder / "fresh";
  const Outcome outcome = program::run(training(run, {"--resume"}));
  check_done(outcome);
  CHECK(outcome.err ==
        "sonograd: warning: there is no run at " + run.string() + " to resume; a new one begins there\n");
  CHECK((results(run) == undisturbed()));
}

TEST_CASE("a run goes on with the settings that it began with, or not at all") {
  const fs::path run = small_run().folder / "settings";
  const auto half = [&] { return checkpoint_step(run) >= 4; };
  CHECK(program::run(training(run), {.kill_when = half}).status == killed);
  const auto before = contents(run);
  const auto refused = [&](const Arguments& flags, const Arguments& words) {
    check_refused(program::run(training(run, with({"--resume"}, flags))), 1, with(words, {run.string()}));
    CHECK((contents(run) == before));
  };
  refused({"--batch", "8"}, {"batch 8", "batch 4"});
  refused({"--seed", "8"}, {"seed 8", "seed 7"});
  refused({"--patience", "3"}, {"patience 3", "patience 25"});
  refused({"--image-size", "48"}, {"images of 48 x 48", "images of 32 x 32"});
  refused({"--model", "aeganb0"}, {"mini", "aeganb0"});
  check_refused(program::run(training(run)), 1, {run.string(), "resume it"});
  CHECK((contents(run) == before));
}

TEST_CASE("a run does not go on from other weights, and its manifest keeps how it began") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run", other = folder / "other.safetensors";
  const auto manifest = [&] { return json::parse(bytes_of(run / "manifest.json")); };
  const Arguments begun = training(run, {"--weights", small_run().best, "--threads", "2"});
  program::run(begun, {.kill_when = [&] { return checkpoint_step(run) >= 4; }});
  const json before = manifest();
  CHECK(before["resumed"].empty());
  check_done(program::run(
      {"init", "--model", "mini", "--image-size", "32", "--seed", "9", "--out", other.string()}));
  const Arguments strange = training(run, {"--weights", other.string(), "--threads", "2", "--resume"});
  check_refused(program::run(strange), 1, {"starting weights", "give those, or choose another folder"});
  CHECK(manifest() == before);

  const Outcome resumed =
      program::run(training(run, {"--weights", small_run().best, "--threads", "1", "--resume"}));
  check_done(resumed);
  CHECK(resumed.err.find("the run began with 2 threads") != std::string::npos);
  const json after = manifest();
  for (const char* key : {"command", "started", "threads", "flags"}) CHECK(after[key] == before[key]);
  REQUIRE(after["resumed"].size() == 1);
  CHECK(after["resumed"][0]["threads"] == 1);
}

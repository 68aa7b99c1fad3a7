#include "report/progress.h"

#include <doctest/doctest.h>

using namespace sonograd;

namespace {

Progress::Clock::time_point time_now;
Progress::Clock::time_point fake_clock() {
  return time_now;
}
void pass(int milliseconds) {
  time_now += std::chrono::milliseconds(milliseconds);
}

// What a loop of ten steps of one second prints into a file, which is no terminal.
std::string printed(bool quiet) {
  std::FILE* file = std::tmpfile();
  Progress progress("scratch 1/3", 10, {.quiet = quiet, .to = file, .now = fake_clock});
  for (Int step = 1; step <= 10; ++step) {
    pass(1000);
    progress.update(step, 16 * step, "loss 0.5");
  }
  progress.finish("done");
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  const std::size_t got = std::fread(text.data(), 1, text.size(), file);
  std::fclose(file);
  CHECK(got == text.size());
  return text;
}

}  // namespace

TEST_CASE("without a terminal there is a plain line every five seconds") {
  ::setenv("LC_ALL", "C", 1);
  CHECK(printed(false) ==
        "scratch 1/3 5/10 | loss 0.5 | 16 images/s | 5 s left\n"
        "scratch 1/3 10/10 | loss 0.5 | 16 images/s | 0 s left\ndone\n");
  ::setenv("LC_ALL", "C.UTF-8", 1);
  CHECK(printed(false).find("5/10 · loss 0.5 · 16 images/s") != std::string::npos);
  CHECK(printed(true).empty());
}

TEST_CASE("durations") {
  CHECK(duration(41.6) == "42 s");
  CHECK(duration(187) == "3:07");
  CHECK(duration(3729) == "1:02:09");
}

#include "report/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

using namespace sonograd;

namespace {

Progress::Clock::time_point time_now;
Progress::Clock::time_point fake_clock() {
  return time_now;
}
void pass(int milliseconds) {
  time_now += std::chrono::milliseconds(milliseconds);
}

// What a loop of ten steps of one second prints into a file, which is no terminal; `before`: steps of a run
// that it goes on from.
std::string printed(bool quiet, Int before = 0) {
  std::FILE* file = std::tmpfile();
  Progress progress(
      "scratch 1/3", 10,
      {.quiet = quiet, .to = file, .now = fake_clock, .done_before = before, .images_before = 16 * before});
  for (Int step = before + 1; step <= 10; ++step) {
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

TEST_CASE("the speed of a run that goes on is its own") {
  ::setenv("LC_ALL", "C", 1);
  CHECK(printed(false, 4) == "scratch 1/3 9/10 | loss 0.5 | 16 images/s | 1 s left\ndone\n");
}

TEST_CASE("on a terminal the line is redrawn in place and never wraps") {
  ::setenv("LC_ALL", "C.UTF-8", 1);
  ::setenv("TERM", "xterm", 1);
  const int screen = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(screen >= 0);
  REQUIRE(::grantpt(screen) == 0);
  REQUIRE(::unlockpt(screen) == 0);
  std::FILE* terminal = std::fopen(::ptsname(screen), "w");
  REQUIRE(terminal != nullptr);
  const auto shown = [&](unsigned short columns, const char* no_color) {
    const winsize window{24, columns, 0, 0};
    REQUIRE(::ioctl(screen, TIOCSWINSZ, &window) == 0);
    ::setenv("NO_COLOR", no_color, 1);
    {
      Progress progress("scratch 1/3", 10, {.quiet = false, .to = terminal, .now = fake_clock});
      pass(1000);
      progress.update(5, 80, "loss 0.5");
      progress.update(6, 96, "loss 0.4");  // too soon after the last
    }
    std::string text;
    for (char c = 0; c != '\n' && ::read(screen, &c, 1) == 1;) text += c;
    return text;
  };
  // Broken off: what comes next has a line of its own.
  const std::string bar = "━━━━━━━━━━━━────────────";
  CHECK(shown(80, "1") == "\r\033[Kscratch 1/3 " + bar + " 5/10 · loss 0.5 · 80 images/s · 1 s left\r\n");
  CHECK(shown(80, "").find("\033[36m") != std::string::npos);
  CHECK(shown(24, "1") == "\r\033[Kscratch 1/3 5/10 · loss\r\n");
  std::fclose(terminal);
  ::close(screen);
}

TEST_CASE("durations") {
  CHECK(duration(41.6) == "42 s");
  CHECK(duration(187) == "3:07");
  CHECK(duration(3729) == "1:02:09");
}

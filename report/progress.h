#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "report/table.h"

namespace sonograd {

// One line on stderr that tells how far a loop has come. On a terminal it is redrawn in place, at most ten
// times a second and never wider than the window; elsewhere it is a plain line every five seconds; nothing if
// quiet. NO_COLOR turns colours off.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    bool quiet = false;
    std::FILE* to = stderr;
    Clock::time_point (*now)() = Clock::now;
    Int done_before = 0, images_before = 0;  // by the run that this one goes on from; no part of its speed
  };

  Progress(std::string label, Int steps, Options options);
  Progress(std::string label, Int steps, bool quiet = false)
      : Progress(std::move(label), steps, {.quiet = quiet}) {}
  ~Progress();  // what ended the loop early is told on a line of its own
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the steps are over, `images` images seen in all; facts such as "loss 0.412 · accuracy 0.843".
  void update(Int done, Int images, const std::string& facts);
  // Ends the line; the summary, where there is one, takes the bar's place.
  void finish(const std::string& summary = "");

 private:
  void draw(const std::string& line);

  std::string label;
  Int steps;
  Options options;
  bool terminal = false, colour = false, unicode = false, drawn = false;
  Clock::time_point start, shown;
};

std::string duration(double seconds);  // 42 s, 3:07, 1:02:09

}  // namespace sonograd

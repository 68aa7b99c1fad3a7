#pragma once

namespace sonograd {

// Ctrl-C, `kill` and a terminal that goes away (SIGINT, SIGTERM, SIGHUP). From this call on they end the
// program at once, with one line on stderr and status 130, 143 or 129. Files are written aside and renamed,
// so that the earlier ones stay as they were. A signal that the program was started to ignore stays ignored.
// Call it before any thread is begun: a thread of its own takes the signals, and all others block them, since
// oneDNN's kernels use the stack pointer for something else, and a handler there would write over memory.
void handle_stop_signals();

// From this call on a signal that ends the program does so without a word: of several processes one speaks.
void stop_without_a_word();

// While one lives, the first of these signals is only noted, for loops that look after each step and save
// what they have; a second one ends the program at once all the same.
class StopBetweenSteps {
 public:
  StopBetweenSteps();
  ~StopBetweenSteps();
  StopBetweenSteps(const StopBetweenSteps&) = delete;
  StopBetweenSteps& operator=(const StopBetweenSteps&) = delete;
};

// The signal that was noted; 0 where none was.
int stop_signal();

}  // namespace sonograd

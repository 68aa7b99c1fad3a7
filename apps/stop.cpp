#include "apps/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace sonograd {
namespace {

std::atomic<int> noted{0};
std::atomic<bool> between_steps{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler may touch nothing else");

void say(std::string_view line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void on_stop(int signal) {
  if (between_steps && noted == 0) {
    noted = signal;
    return;
  }
  if (::isatty(STDERR_FILENO) == 1) say("\n");  // behind ^C and a bar
  say("sonograd: stopped by a signal\n");
  ::_exit(128 + signal);
}

}  // namespace

void handle_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) ::sigaction(signal, &action, nullptr);
  }
}

StopBetweenSteps::StopBetweenSteps() {
  between_steps = true;
}
StopBetweenSteps::~StopBetweenSteps() {
  between_steps = false;
}

int stop_signal() {
  return noted;
}

}  // namespace sonograd

#include "apps/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>
#include <thread>

namespace sonograd {
namespace {

std::atomic<int> noted{0};
std::atomic<bool> between_steps{false}, without_a_word{false};

void say(std::string_view line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void on_stop(int signal) {
  if (between_steps && noted == 0) {
    noted = signal;
    return;
  }
  if (!without_a_word) {
    if (::isatty(STDERR_FILENO) == 1) say("\n");  // behind ^C and a bar
    say("sonograd: stopped by a signal\n");
  }
  ::_exit(128 + signal);
}

}  // namespace

void handle_stop_signals() {
  sigset_t stops;
  sigemptyset(&stops);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaddset(&stops, signal);
  }
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // threads that this one begins inherit it
  std::thread([stops] {
    for (int signal = 0;;)
      if (::sigwait(&stops, &signal) == 0) on_stop(signal);
  }).detach();
}

void stop_without_a_word() {
  without_a_word = true;
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

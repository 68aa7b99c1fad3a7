#include "report/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "base/error.h"

namespace sonograd {
namespace {

using namespace std::chrono_literals;

bool says(const char* variable, std::string_view part) {
  const char* value = std::getenv(variable);
  return value != nullptr && std::string_view(value).find(part) != std::string_view::npos;
}

bool speaks_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') {
      return says(variable, "UTF-8") || says(variable, "utf8");
    }
  }
  return false;
}

Int columns(std::FILE* file) {
  winsize window{};
  return ::ioctl(::fileno(file), TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

std::string repeated(std::string_view text, Int count) {
  std::string out;
  for (Int i = 0; i < count; ++i) out += text;
  return out;
}

// The first `width` code points.
std::string cut(const std::string& text, Int width) {
  std::size_t bytes = 0;
  for (Int seen = 0; bytes < text.size(); ++bytes) {
    if ((static_cast<unsigned char>(text[bytes]) & 0xC0) != 0x80 && seen++ == width) break;
  }
  return text.substr(0, bytes);
}

}  // namespace

std::string duration(double seconds) {
  const Int s = std::llround(std::max(0.0, seconds));
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(std::string label_, Int steps_, Options options_)
    : label(std::move(label_)), steps(std::max<Int>(1, steps_)), options(options_) {
  const char* kind = std::getenv("TERM");
  terminal = ::isatty(::fileno(options.to)) == 1 && !(kind != nullptr && std::string_view(kind) == "dumb");
  const char* plain = std::getenv("NO_COLOR");
  colour = terminal && (plain == nullptr || *plain == '\0');
  unicode = speaks_utf8();
  start = shown = options.now();
}

void Progress::update(Int done, Int images, const std::string& facts) {
  if (options.quiet) return;
  const auto now = options.now();
  const auto pause = terminal ? Clock::duration(100ms) : Clock::duration(5s);
  if (now - shown < pause && !(terminal && !drawn)) return;
  shown = now;

  const double seconds = std::chrono::duration<double>(now - start).count();
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(steps), 0.0, 1.0);
  const char* dot = unicode ? " · " : " | ";
  std::string tail = fmt::format(" {}/{}", done, steps);
  if (!facts.empty()) tail += dot + facts;
  const Int seen = images - options.images_before, made = done - options.done_before;
  if (seconds > 0 && seen > 0)
    tail += fmt::format("{}{:.3g} images/s", dot, static_cast<double>(seen) / seconds);
  if (made > 0)
    tail += fmt::format("{}{} left", dot,
                        duration(seconds * static_cast<double>(steps - done) / static_cast<double>(made)));
  if (!terminal) return draw(label + tail);

  const Int window = columns(options.to) - 1;
  const Int room = std::min<Int>(24, window - display_width(label) - display_width(tail) - 1);
  if (room < 6) return draw(cut(label + tail, window));
  const Int full = std::llround(share * static_cast<double>(room));
  const std::string bar = repeated(unicode ? "━" : "=", full),
                    rest = repeated(unicode ? "─" : "-", room - full);
  draw(label + " " + (colour ? "\033[36m" + bar + "\033[2m" + rest + "\033[0m" : bar + rest) + tail);
}

void Progress::draw(const std::string& line) {
  // Not fmt::print, which throws: a run does not end for want of a place to show its progress.
  std::fputs((terminal ? "\r\033[K" + line : line + "\n").c_str(), options.to);
  std::fflush(options.to);
  drawn = true;
}

Progress::~Progress() {
  if (!terminal || !drawn) return;
  std::fputs("\n", options.to);
  std::fflush(options.to);
}

void Progress::finish(const std::string& summary) {
  if (options.quiet) return;
  if (terminal && drawn) std::fputs("\r\033[K", options.to);
  if (!summary.empty()) std::fputs((summary + "\n").c_str(), options.to);
  std::fflush(options.to);
  drawn = false;
}

}  // namespace sonograd

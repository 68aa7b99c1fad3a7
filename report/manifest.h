#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "report/table.h"

namespace sonograd {

using Pairs = std::vector<std::pair<std::string, std::string>>;  // in the order in which they are shown

struct Machine {
  std::string processor, system;  // "Intel Xeon …", "Debian GNU/Linux 12 · Linux 6.1"
  Int cores = 0;                  // logical ones that this process may run on
  double memory_gib = 0;
};
Machine this_machine();  // from /proc and /etc/os-release; empty where they do not say
std::string utc_now();   // 2026-01-31T12:00:00Z

struct ClassCount {
  std::string name;
  Int train = 0, validation = 0, test = 0;
};

struct BadFile {
  std::string file, reason;
};

// A later start of a run that was stopped.
struct Session {
  std::string command, started;
  Int threads = 0;
  std::string instruction_set;
};

// RUN/manifest.json: all that a run's numbers depend on. Written at the start with `finished` empty, again at
// the end. `phases` and `versions` take whatever the caller holds: facts by name.
struct Manifest {
  std::string command;  // the line that runs it again
  std::string model, protocol, data, device;
  std::uint64_t seed = 0;
  std::string data_hash, split_hash;  // SHA-256, hexadecimal
  Pairs flags;                        // resolved, by name, defaults included
  std::vector<ClassCount> classes;    // in the order of their codes
  std::vector<BadFile> bad_files;
  std::vector<std::pair<std::string, Pairs>> phases;
  Pairs versions;  // program, compiler, its flags, libraries
  Machine machine;
  Int threads = 0;
  std::string instruction_set;
  std::string started, finished;  // UTC; `finished` is empty while the run goes on
  std::string explained_layer;    // of the report's heat maps; empty while the run goes on
  std::vector<Session> resumed = {};
};

std::string manifest_json(const Manifest& manifest);
Manifest read_manifest(const std::filesystem::path& path);

}  // namespace sonograd

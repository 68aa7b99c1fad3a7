#include "report/manifest.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_fault.h"

namespace sonograd {
namespace {

using Json = nlohmann::ordered_json;

Json object(const Pairs& pairs) {
  Json json = Json::object();
  for (const auto& [key, value] : pairs) json[key] = value;
  return json;
}

Pairs pairs(const Json& json) {
  Pairs out;
  for (const auto& [key, value] : json.items()) out.emplace_back(key, value.get<std::string>());
  return out;
}

}  // namespace

std::string manifest_json(const Manifest& m) {
  Json json;
  json["command"] = m.command;
  json["model"] = m.model;
  json["protocol"] = m.protocol;
  json["data"] = m.data;
  json["device"] = m.device;
  json["seed"] = m.seed;
  json["data_hash"] = m.data_hash;
  json["split_hash"] = m.split_hash;
  json["flags"] = object(m.flags);
  json["classes"] = Json::array();
  for (const auto& c : m.classes) {
    json["classes"].push_back(
        {{"name", c.name}, {"train", c.train}, {"validation", c.validation}, {"test", c.test}});
  }
  json["bad_files"] = Json::array();
  for (const auto& bad : m.bad_files)
    json["bad_files"].push_back({{"file", bad.file}, {"reason", bad.reason}});
  json["phases"] = Json::object();
  for (const auto& [name, facts] : m.phases) json["phases"][name] = object(facts);
  json["versions"] = object(m.versions);
  json["machine"] = {{"processor", m.machine.processor},
                     {"cores", m.machine.cores},
                     {"memory_gib", m.machine.memory_gib},
                     {"system", m.machine.system}};
  json["threads"] = m.threads;
  json["instruction_set"] = m.instruction_set;
  json["started"] = m.started;
  json["finished"] = m.finished;
  if (!m.explained_layer.empty()) json["explained_layer"] = m.explained_layer;
  json["resumed"] = Json::array();
  for (const Session& s : m.resumed)
    json["resumed"].push_back({{"command", s.command},
                               {"started", s.started},
                               {"threads", s.threads},
                               {"instruction_set", s.instruction_set}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Manifest read_manifest(const std::filesystem::path& path) try {
  const Json json = Json::parse(read_file(path));
  Manifest m;
  json.at("command").get_to(m.command);
  json.at("model").get_to(m.model);
  json.at("protocol").get_to(m.protocol);
  json.at("data").get_to(m.data);
  json.at("device").get_to(m.device);
  json.at("seed").get_to(m.seed);
  json.at("data_hash").get_to(m.data_hash);
  json.at("split_hash").get_to(m.split_hash);
  m.flags = pairs(json.at("flags"));
  for (const Json& c : json.at("classes")) {
    m.classes.push_back({c.at("name").get<std::string>(), c.at("train").get<Int>(),
                         c.at("validation").get<Int>(), c.at("test").get<Int>()});
  }
  for (const Json& bad : json.at("bad_files")) {
    m.bad_files.push_back({bad.at("file").get<std::string>(), bad.at("reason").get<std::string>()});
  }
  for (const auto& [name, facts] : json.at("phases").items()) m.phases.emplace_back(name, pairs(facts));
  m.versions = pairs(json.at("versions"));
  const Json& machine = json.at("machine");
  machine.at("processor").get_to(m.machine.processor);
  machine.at("cores").get_to(m.machine.cores);
  machine.at("memory_gib").get_to(m.machine.memory_gib);
  machine.at("system").get_to(m.machine.system);
  json.at("threads").get_to(m.threads);
  json.at("instruction_set").get_to(m.instruction_set);
  json.at("started").get_to(m.started);
  json.at("finished").get_to(m.finished);
  m.explained_layer = json.value("explained_layer", "");
  for (const Json& s : json.value("resumed", Json::array()))
    m.resumed.push_back({s.at("command").get<std::string>(), s.at("started").get<std::string>(),
                         s.at("threads").get<Int>(), s.at("instruction_set").get<std::string>()});
  return m;
} catch (const nlohmann::json::exception& error) {
  throw Error(
      "{}: not a manifest of a run: {}; put a whole one back or start the run afresh in another folder",
      path.string(), fault_of(error));
}

}  // namespace sonograd

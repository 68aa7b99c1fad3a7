#include "report/html_parts.h"

#include "base/error.h"

namespace sonograd {

static std::string details(const std::string& heading, const Pairs& pairs) {
  Table table{{"name", "value"}, {}};
  for (const auto& [name, value] : pairs) {
    if (!value.empty()) table.rows.push_back({name, value});
  }
  if (table.rows.empty()) return "";
  return fmt::format("<details><summary>{}</summary>{}</details>\n", escape_html(heading), table.html());
}

std::string manifest_section(const ReportData& data) {
  const Manifest& m = data.manifest;
  std::string out = section(
      "Run it again",
      "The same command with the same data, thread count and instruction set gives the same numbers.");
  out += fmt::format("<pre>{}</pre>\n", escape_html(m.command));
  out += details("Data and split", {{"data", m.data},
                                    {"protocol", m.protocol},
                                    {"SHA-256 of the data", m.data_hash},
                                    {"SHA-256 of the split", m.split_hash}});
  for (const auto& [name, facts] : m.phases) out += details("Phase: " + name, facts);
  out += details("Settings", m.flags) + details("Versions", m.versions);
  return out + details("Machine", {{"processor", m.machine.processor},
                                   {"cores", fmt::format("{}", m.machine.cores)},
                                   {"memory", fmt::format("{:.1f} GiB", m.machine.memory_gib)},
                                   {"system", m.machine.system},
                                   {"device", m.device},
                                   {"threads", fmt::format("{}", m.threads)},
                                   {"instruction set", m.instruction_set},
                                   {"started", m.started},
                                   {"finished", m.finished},
                                   {"resumed", fmt::format("{} times", m.resumed.size())}});
}

std::string notes_section(const ReportData& data) {
  std::string out = section("What these numbers are not", "") + "<ul>\n";
  for (const auto& note : data.notes) out += "<li>" + escape_html(note) + "</li>\n";
  return out +
         "<li>The intervals treat test images as independent. Several images of one lesion or patient make "
         "them too narrow.</li>\n"
         "<li>One split and one seed: another of either moves the result, often by more than a difference "
         "between models.</li>\n"
         "<li>A heat map shows where a score came from, not why, and not that the reason is a medical "
         "one.</li>\n"
         "<li><strong>Not a medical device.</strong> For research and teaching; nothing here may guide the "
         "care of a person.</li>\n</ul>\n";
}

}  // namespace sonograd

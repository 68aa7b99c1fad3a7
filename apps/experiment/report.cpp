#include "apps/experiment/claims.h"
#include "apps/experiment/results.h"
#include "report/html_parts.h"
#include "report/html_style.h"
#include "tensor/file.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct NamedTable {
  std::string name, heading, about;
  Table file;
  std::vector<Table> page;
  const char* style = "";
};

std::vector<NamedTable> tables_of(const std::vector<Result>& results) {
  std::vector<NamedTable> tables;
  const char* numerals[] = {"I", "II", "III", "IV"};
  const char* about[] = {"original images", "with augmented copies", "with the DCGAN's pictures",
                         "with and without attention"};
  for (int i = 0; i < 4; ++i)
    if (Table table = paper_table(numerals[i], results); !table.rows.empty())
      tables.push_back({fmt::format("table{}", i + 1),
                        fmt::format("Table {}: {}", numerals[i], about[i]),
                        "In per cent; below each row the paper's.",
                        std::move(table),
                        {paper_table_page(numerals[i], results)},
                        " pairs"});
  tables.push_back(
      {"table5", "Table V: results that the paper quotes", "", published_table(), {published_table()}});
  const std::vector<Tested> tested = tested_by(results);
  if (Table table = pairwise_table(tested); !table.rows.empty()) {
    tables.push_back(
        {"mcnemar",
         "Do two models differ?",
         "McNemar's exact test of every two on the same test images: p, and how many of these only the "
         "row's model and only the column's had right. By chance alone one pair in twenty has p below "
         "0.05.",
         std::move(table),
         {}});
    for (const PaperArm& arm : paper().arms)
      if (Table triangle = pairwise_triangle(tested, arm.name); !triangle.rows.empty())
        tables.back().page.push_back(std::move(triangle));
  }
  return tables;
}

std::vector<std::string> limits(const std::vector<Result>& results, const ExperimentFlags& flags,
                                const Profile& profile) {
  std::vector<std::string> lines{fmt::format(
      "Profile {}: images of {} x {}, {} a phase{}.", profile.name, profile.image_size, profile.image_size,
      profile.epochs == 1 ? "one epoch" : fmt::format("at most {} epochs", profile.epochs),
      profile.name == "paper" ? "" : "; the paper's are 224 x 224 and 100")};
  if (flags.weights_folder.empty())
    lines.push_back(
        "Every model was trained from random weights in one phase, scratch; the paper's were trained on "
        "ImageNet first and then in two phases. Below scratch stands the paper's fine-tuned row. So few "
        "images teach a ViT little more than the largest class.");
  lines.push_back(flags.protocol == "grouped"
                      ? "Protocol grouped: no test image has a near duplicate, a copy or a descendant in "
                        "training. The paper's test sets do, so its numbers are no yardstick for these."
                      : "Protocol paper: augmented and generated images are split with the real ones, as "
                        "published, so test images have relatives in training.");
  for (const Result& r : results)
    if (r.row.trained != r.row.model) {
      lines.push_back(
          "Smaller members of each family stand in for the paper's models (\"by\"): this run shows that "
          "everything works, and says nothing about the paper.");
      break;
    }
  return lines;
}

// The claims that do not hold, and behind a line to click the others; all of them in tables/claims.csv.
std::string claims_section(const fs::path& tables, const std::vector<Finding>& findings) {
  Table file{{"id", "where", "claim", "verdict", "evidence"}, {}};
  const std::vector<std::string> header{"the paper", "says", "", "evidence"};
  Table doubtful{header, {}}, verified{header, {}};
  for (const Finding& f : findings) {
    const std::string verdict(verdict_name(f.verdict));
    file.rows.push_back({f.id, f.where, f.says, verdict, f.evidence});
    (f.verdict == Verdict::verified ? verified : doubtful)
        .rows.push_back({f.where, f.says, verdict, f.evidence});
  }
  write_file_atomically(tables / "claims.csv", file.csv());
  return section(
             "Which of the paper's claims hold?",
             fmt::format("Of {} claims {} are verified: counts, parameters, percentages that must be k of n, "
                         "gains. These are not:",
                         findings.size(), verified.rows.size())) +
         "<div class=\"panel scroll words\">" + doubtful.html() + "</div>\n" +
         fmt::format(
             "<details class=\"words\"><summary>The {} that are</summary><div "
             "class=\"scroll\">{}</div></details>\n",
             verified.rows.size(), verified.html());
}

Json json_of(const Result& r) {
  return {{"model", r.row.model},
          {"trained", r.row.trained},
          {"arm", r.row.arm},
          {"phase", r.phase},
          {"parameters", r.parameters},
          {"validation", {{"correct", r.validated_right}, {"n", r.validated}}},
          {"test", {{"correct", r.test.correct}, {"n", r.test.n}}},
          {"wilson", {r.test.accuracy_interval.low, r.test.accuracy_interval.high}},
          {"by_groups", {r.by_groups.low, r.by_groups.high}},
          {"precision", r.test.precision},
          {"recall", r.test.recall},
          {"f1", r.test.f1},
          {"paper_test_percent", r.paper->test}};
}

}  // namespace

std::string write_experiment(const std::string& name, const std::vector<Result>& results,
                             const ExperimentFlags& flags, const Profile& profile, std::uint64_t seed) {
  const fs::path out = flags.out;
  make_folder(out / "tables");
  make_folder(out / "figures");
  const std::vector<std::string> limiting = limits(results, flags, profile);
  const std::string title = fmt::format("The paper's experiments: {}", name);
  std::string body = fmt::format("<header>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n</header>\n", title,
                                 escape_html(paper().title)) +
                     section("What was run, and what not") + "<ul>\n";
  for (const std::string& line : limiting) body += fmt::format("<li>{}</li>\n", escape_html(line));
  body += "</ul>\n";
  for (const NamedTable& t : tables_of(results)) {
    write_file_atomically(out / "tables" / (t.name + ".csv"), t.file.csv());
    body += section(t.heading, t.about);
    for (const Table& table : t.page)
      body += fmt::format("<div class=\"panel scroll{}\">{}</div>\n", t.style, table.html());
  }
  if (name == "all") body += claims_section(out / "tables", check_claims(flags.data));
  const std::vector<Figure> figures = figures_of(results);
  if (!figures.empty()) body += section("The proposed model") + "<div class=\"grid\">\n";
  for (const Figure& figure : figures) {
    write_file_atomically(out / "figures" / (figure.name + ".svg"), figure.svg.file());
    body += panel(figure.heading, figure.svg);
  }
  if (!figures.empty()) body += "</div>\n";
  const std::vector<Overlay> overlays = overlays_of(results);
  if (!overlays.empty())
    body += section("Fig. 8: Grad-CAM of one test image of each class") + "<div class=\"samples\">\n";
  for (const Overlay& overlay : overlays) {
    write_file_atomically(out / "figures" / (overlay.name + ".png"), overlay.png);
    body += fmt::format("<div>{}<p class=\"file\">{}</p></div>\n", image(overlay.png, overlay.class_name),
                        escape_html(overlay.class_name));
  }
  if (!overlays.empty()) body += "</div>\n";
  write_file_atomically(
      out / "report.html",
      html_page(title, page_style + figure_style(),
                body + "<footer>Written by Sonograd. Tables and figures are beside this file, each row's own "
                       "report under rows/.</footer>\n"));
  auto rows = Json::array();
  for (const Result& r : results) rows.push_back(json_of(r));
  const Json summary{{"experiment", name}, {"profile", profile.name}, {"protocol", flags.protocol},
                     {"seed", seed},       {"limits", limiting},      {"rows", std::move(rows)}};
  std::string text = json_text(summary);
  write_file_atomically(out / "summary.json", text);
  return text;
}

}  // namespace sonograd

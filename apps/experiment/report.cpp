#include <algorithm>
#include <map>

#include "apps/experiment/claims.h"
#include "apps/experiment/summary.h"
#include "base/file.h"
#include "report/html_parts.h"
#include "report/html_style.h"

namespace sonograd {
namespace {

namespace fs = std::filesystem;

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
                        "Below each row the paper's.",
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
      profile.epochs == 1 ? "one epoch"
      : profile.enlarged_epochs == profile.epochs
          ? fmt::format("at most {} epochs", profile.epochs)
          : fmt::format("at most {} epochs, {} where images are added,", profile.epochs,
                        profile.enlarged_epochs),
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
  const auto trains = [&](const char* model) {
    return std::any_of(results.begin(), results.end(),
                       [&](const Result& r) { return r.row.model == model && r.row.trained == model; });
  };
  if (trains("aeganb3_noattention"))
    lines.push_back(
        "Without attention: the paper does not say what is left. Trained here is aeganb3_noattention, the "
        "proposed head less its attention layer (11,584,306 parameters); the other candidate is "
        "efficientnetb3, the authors' baseline head (10,788,146), --models aeganb3,efficientnetb3.");
  if (trains("efficientnetb3"))
    lines.push_back(
        "efficientnetb3, the authors' baseline head (10,788,146 parameters), is a candidate for the model "
        "without attention, which the paper does not define; the other is aeganb3_noattention.");
  for (const Result& r : results)
    if (r.row.trained != r.row.model) {
      lines.push_back(
          "Smaller members of each family stand in for the paper's models (\"by\"): this run shows that "
          "everything works, and says nothing about the paper.");
      break;
    }
  return lines;
}

std::string pill(Standing standing) {
  const char* css = standing == Standing::supported      ? "pill right"
                    : standing == Standing::contradicted ? "pill wrong"
                                                         : "pill";
  return fmt::format("<span class=\"{}\">{}</span>", css, standing_name(standing));
}

std::string findings_section(const std::vector<Finding>& findings) {
  if (findings.empty()) return "";
  std::map<Standing, Int> counts{{Standing::supported, 0}, {Standing::contradicted, 0}};
  for (const Finding& f : findings) ++counts[f.standing];
  const Int tests =
      std::count_if(findings.begin(), findings.end(), [](const Finding& f) { return f.test.has_value(); });
  std::string out = section(
      "What holds",
      fmt::format(
          "Where the paper finds one better than another, our runs beside each other on the same test "
          "images: supported or contradicted where McNemar's exact p, corrected by Holm for {} test{}, is "
          "below 0.05; not told apart says that so few images do not tell, and not that there is no "
          "difference. That a model is the best of several is set against its nearest rival.",
          tests, tests == 1 ? "" : "s"));
  out += "<dl class=\"facts\">\n";
  for (const auto& [standing, count] : counts)
    out += fact(std::string(standing_name(standing)), fmt::format("{} of {}", count, findings.size()));
  out +=
      "</dl>\n<div class=\"panel scroll findings\"><table><thead><tr><th>the paper claims</th>"
      "<th class=\"number\">right, %</th><th class=\"number\">against, %</th><th class=\"number\">points</th>"
      "<th class=\"number\">the paper's</th><th class=\"number\">right alone</th><th "
      "class=\"number\">p</th><th></th></tr></thead><tbody>\n";
  const auto side = [](const Finding& f, const Side& s) {
    return fmt::format("<small>{}</small> {}/{} = {:.1f}",
                       escape_html(f.better.model == f.other.model ? s.data : s.model), s.correct, s.n,
                       100 * s.share());
  };
  for (const Finding& f : findings) {
    out += fmt::format("<tr><td>{}</td>", escape_html(f.claim));
    for (const std::string& cell :
         {side(f, f.better), side(f, f.other), fmt::format("{:+.1f}", f.points()),
          fmt::format("{:+.1f}", f.paper_points),
          f.test ? fmt::format("{} : {}", f.test->only_first, f.test->only_second) : escape_html(f.no_test),
          f.test ? fmt::format("{:.3f}", f.holm) : std::string()})
      out += fmt::format("<td class=\"number\">{}</td>", cell);
    out += fmt::format("<td>{}</td></tr>\n", pill(f.standing));
  }
  return out + "</tbody></table></div>\n";
}

// The claims that do not hold, and behind a line to click the others; all of them in tables/claims.csv.
std::string claims_section(const fs::path& tables, const std::vector<CheckedClaim>& claims) {
  Table file{{"id", "where", "claim", "verdict", "evidence"}, {}};
  const std::vector<std::string> header{"the paper", "says", "", "evidence"};
  Table doubtful{header, {}}, sound{header, {}};
  Int verified = 0;
  for (const CheckedClaim& c : claims) {
    const std::string verdict(verdict_name(c.verdict));
    const bool is_sound = c.verdict == Verdict::verified || c.verdict == Verdict::consistent;
    verified += c.verdict == Verdict::verified;
    file.rows.push_back({c.id, c.where, c.says, verdict, c.evidence});
    (is_sound ? sound : doubtful).rows.push_back({c.where, c.says, verdict, c.evidence});
  }
  write_file_atomically(tables / "claims.csv", file.csv());
  return section(
             "Does the paper agree with itself?",
             fmt::format("Of {} claims {} are verified on the images or on the models built here (counts, "
                         "parameters), and {} are consistent with the paper's other numbers, which is all "
                         "that could be checked (percentages that must be k of n, gains). These are neither:",
                         claims.size(), verified, static_cast<Int>(sound.rows.size()) - verified)) +
         "<div class=\"panel scroll words\">" + doubtful.html() + "</div>\n" +
         fmt::format(
             "<details class=\"words\"><summary>The {} that are</summary><div "
             "class=\"scroll\">{}</div></details>\n",
             sound.rows.size(), sound.html());
}

// What the first figure shows, in a sentence or two.
std::string caption(const std::vector<Result>& results, const ExperimentFlags& flags,
                    const Profile& profile) {
  return fmt::format(
      "Test accuracy, %, on {} test images{}; intervals are Wilson's. Here: profile {}, {} x {} pixels, {}, "
      "protocol {}. "
      "As published: fine-tuned from ImageNet's weights at 224 x 224, on a test set that has relatives in "
      "training.",
      results.empty() ? 0 : results.front().test.n,
      flags.protocol == "grouped" ? ", the same for every dot" : " (original; more where images are added)",
      profile.name, profile.image_size, profile.image_size,
      flags.weights_folder.empty() ? "from random weights" : "from pretrained weights", flags.protocol);
}

// Figures 2, 3, 9 to 18.
std::string proposed_section(const fs::path& folder, const std::vector<Result>& results) {
  const std::vector<Figure> figures = figures_of(results);
  if (figures.empty()) return "";
  std::string out = section("The proposed model") + "<div class=\"grid\">\n";
  for (const Figure& figure : figures) {
    write_file_atomically(folder / (figure.name + ".svg"), figure.svg.file());
    out += panel(figure.heading, figure.svg, figure.caption);
  }
  return out + "</div>\n";
}

// Figure 8.
std::string explained_section(const fs::path& folder, const std::vector<Result>& results) {
  const Overlays overlays = overlays_of(results);
  if (overlays.images.empty()) return "";
  std::string out = section(
      "Fig. 8: Grad-CAM of one test image of each class",
      fmt::format("Of the class that was called (its logit, plain mean of the gradients){}; blue is "
                  "nothing. The first explained image of each class, right or wrong, on the first data set.",
                  overlays.layer.empty() ? "" : ", read at layer " + overlays.layer));
  out += "<div class=\"samples\">\n";
  for (const Overlay& overlay : overlays.images) {
    write_file_atomically(folder / (overlay.name + ".png"), overlay.png);
    out += fmt::format("<div>{}<p class=\"file\">{}</p></div>\n", image(overlay.png, overlay.caption),
                       escape_html(overlay.caption));
  }
  return out + "</div>\n";
}

}  // namespace

std::string write_experiment(const std::string& name, const std::vector<Result>& results,
                             const ExperimentFlags& flags, const Profile& profile,
                             const nlohmann::ordered_json& settings) {
  const fs::path out = flags.out;
  make_folder(out / "tables");
  make_folder(out / "figures");
  const std::vector<std::string> limiting = limits(results, flags, profile);
  const std::vector<Finding> findings = findings_on(results);
  write_file_atomically(out / "tables" / "findings.csv", findings_table(findings).csv());
  const bool has_gans =
      std::any_of(results.begin(), results.end(), [](const Result& r) { return r.row.arm == "gan"; });
  const std::vector<GanRun> gans = has_gans ? gans_of(out) : std::vector<GanRun>{};
  const std::string title = fmt::format("The paper's experiments: {}", name);
  const Svg overview = overview_of(results);
  write_file_atomically(out / "figures" / "overview.svg", overview.file());
  std::string body =
      fmt::format(
          "<header>\n<p class=\"eyebrow\">Sonograd experiment report, for research only</p>\n<h1>{}</h1>\n<p "
          "class=\"lead\">{}</p>\n</header>\n<figure class=\"panel scroll "
          "wide\">{}<figcaption>{}</figcaption>"
          "</figure>\n",
          title, escape_html(paper().title), overview.markup(),
          escape_html(caption(results, flags, profile))) +
      findings_section(findings) + section("What was run, and what not") + "<ul>\n";
  for (const std::string& line : limiting) body += fmt::format("<li>{}</li>\n", escape_html(line));
  body += "</ul>\n";
  for (const NamedTable& t : tables_of(results)) {
    write_file_atomically(out / "tables" / (t.name + ".csv"), t.file.csv());
    body += section(t.heading, t.about);
    for (const Table& table : t.page)
      body += fmt::format("<div class=\"panel scroll{}\">{}</div>\n", t.style, table.html());
  }
  body += gans_section(gans) + proposed_section(out / "figures", results) +
          explained_section(out / "figures", results);
  if (name == "all") body += claims_section(out / "tables", check_claims(flags.data));
  write_file_atomically(
      out / "report.html",
      html_page(title, page_style + figure_style(),
                body + "<footer>Written by Sonograd. Tables and figures are beside this file, each row's own "
                       "report under rows/.</footer>\n"));
  std::string text = summary_json({name, settings, profile, limiting, results, findings, gans});
  write_file_atomically(out / "summary.json", text);
  return text;
}

}  // namespace sonograd

#include <doctest/doctest.h>

#include "base/file.h"
#include "report/html.h"
#include "report/run_folder.h"
#include "tests/full_disk.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

const std::string hostile = "<img src=\"http://example.com/x\" onerror='alert(1)'>&";

ReportData sample() {
  ReportData data;
  data.title = hostile;
  data.lead = hostile;
  data.explained_by = hostile;
  data.notes = {hostile};
  data.manifest.command = hostile;
  data.manifest.flags = {{hostile, hostile}};
  data.manifest.bad_files = {{hostile, hostile}};
  data.manifest.phases = {{hostile, {{"rate", hostile}}}};
  data.manifest.data = data.manifest.protocol = data.manifest.machine.processor = hostile;
  data.manifest.classes = {{hostile, 10, 2, 2}, {"normal", 10, 2, 2}};
  data.test = measure({hostile, "normal"}, {0, 0, 1, 1},
                      std::vector<std::vector<double>>{{.9, .1}, {.2, .8}, {.3, .7}, {.4, .6}});
  for (int epoch = 1; epoch <= 3; ++epoch) data.history.push_back({hostile, epoch, 1, .5, 1, .5, 2});
  data.baselines = {{hostile, 2, 4}};
  data.predictions = {
      {hostile, 0, 0, {.9, .1}}, {"b", 0, 1, {.2, .8}}, {"c", 1, 1, {.3, .7}}, {"d", 1, 1, {.4, .6}}};
  for (const auto& p : data.predictions) data.gallery.push_back({p, "PNG", "PNG", hostile});
  data.samples = {{hostile, hostile, "PNG"}};
  return data;
}

}  // namespace

TEST_CASE("base64 is RFC 4648's") {
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xff\xfe", "//4="}};
  for (const auto& [plain, coded] : known) CHECK(base64(plain) == coded);
}

TEST_CASE("the page needs nothing outside itself, whatever the names in it are") {
  const std::string page = report_html(sample());
  CHECK(page.find("<img src=\"http") == std::string::npos);
  CHECK(page.find("onerror='") == std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("@import") == std::string::npos);
  CHECK(page.find("url(") == std::string::npos);
  for (const char* attribute : {" href=", " srcset=", " data=", " action=", "xlink:href="}) {
    CHECK(page.find(attribute) == std::string::npos);
  }
  const std::string source = " src=\"", inside = "data:image/png;base64,";
  int images = 0;
  for (std::size_t at = 0; (at = page.find(source, at)) != std::string::npos; ++images) {
    at += source.size();
    CHECK(page.compare(at, inside.size(), inside) == 0);
  }
  CHECK(images == 2 * 4 + 1);
}

TEST_CASE("the page says what was measured") {
  const std::string page = report_html(sample());
  CHECK(page.find("75.0<small>%</small>") != std::string::npos);
  CHECK(page.find("3 of 4 test images right") != std::string::npos);
  CHECK(page.find("from 30.1 to 95.4 %") != std::string::npos);
  CHECK(page.find("Mistakes: 1 of 1") != std::string::npos);
  CHECK(page.find("Right answers: 3 of 3") != std::string::npos);
  CHECK(page.find("Not a medical device") != std::string::npos);
}

TEST_CASE("a report with metrics alone is a page") {
  ReportData data;
  data.test = measure({"a", "b"}, {0, 1}, std::vector<Int>{0, 1});
  const std::string page = report_html(data);
  CHECK(page.find("2 of 2 test images right") != std::string::npos);
  CHECK(page.find(">nan") == std::string::npos);
  CHECK(page.find("<h2>Training") == std::string::npos);
}

TEST_CASE("figures and tables lie beside the page") {
  const TemporaryFolder folder;
  write_report(sample(), folder.path);
  const RunFolder run = RunFolder::at(folder.path);
  CHECK(read_file(run.report()) == report_html(sample()));
  for (const char* name : {"accuracy", "loss", "test_accuracy", "confusion_matrix", "per_class",
                           "class_counts", "roc", "calibration"}) {
    CHECK(read_file(run.figure(name)).rfind("<svg xmlns=\"http://www.w3.org/2000/svg\"", 0) == 0);
  }
  CHECK(read_csv(run.table("confusion_matrix")).rows[0][2] == "1");
  CHECK(read_csv(run.table("per_class")).rows[1][7] == "1");
  CHECK(read_csv(run.table("test_accuracy")).rows[1][3] == "0.5");
  const Table ranking = read_csv(run.table("ranking"));
  REQUIRE(ranking.rows.size() == 2);
  for (std::size_t c = 1; c < ranking.header.size(); ++c)
    for (const auto& row : ranking.rows) CHECK_NOTHROW(parse_number(row[c]));
  CHECK(ranking.header[2] == "auc");
  CHECK(parse_number(ranking.rows[0][2]) == 0.5);  // 2 of 4 pairs in order
  CHECK(ranking.header[6] == "sensitivity_90");
  CHECK(parse_number(ranking.rows[0][6]) == 0.5);
  CHECK(read_csv(run.table("history")).rows.size() == 3);
  CHECK(read_csv(run.table("class_counts")).rows[1][1] == "10");
}

TEST_CASE("a full disk leaves the earlier report") {
  const TemporaryFolder folder;
  const RunFolder run = RunFolder::at(folder.path);
  write_report(sample(), folder.path);
  const std::string before = read_file(run.report());
  ReportData changed = sample();
  changed.title = "changed";
  const std::string text = error_on_full_disk(30000, [&] { write_report(changed, folder.path); });
  CHECK(text == fmt::format("cannot write {}: File too large; free some space or choose another folder",
                            run.report().string()));
  CHECK(read_file(run.report()) == before);
}

#include "apps/contact_sheet.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "data/decode.h"
#include "data/png.h"
#include "data/resize.h"
#include "report/html_parts.h"
#include "report/html_style.h"

namespace sonograd {
namespace {

constexpr Int longer_side = 128;  // of a thumbnail, pixels

const char* const sheet_style = R"css(
.group.wide{grid-column:1/-1}
.thumbs{display:grid;gap:2px;grid-template-columns:repeat(auto-fill,minmax(118px,1fr));padding:2px}
.two .thumbs{grid-template-columns:1fr 1fr}
.three .thumbs{grid-template-columns:1fr 1fr 1fr}
.thumbs figure{margin:0;min-width:0}
.frame{position:relative}
.same{position:absolute;border:1.5px dashed #ffd34d}
.thumbs figcaption{font-size:12.5px;line-height:1.35;margin:6px 8px 8px;overflow-wrap:anywhere}
.thumbs b{color:var(--ink);font-weight:600}
.conflict{border-color:var(--bad)}
.conflict .thumbs b{color:var(--bad)}
.found{font-size:13.5px;margin:0;padding:0;list-style:none;font-variant-numeric:tabular-nums}
.found li{padding:2px 0}
.found strong{margin-right:.4em}
)css";

struct Group {
  std::vector<Int> members;  // positions in the dataset
  std::vector<Twins> pairs;  // exact ones first
  bool conflict = false;
};

// Groups of two or more; those with different labels first, then the larger ones.
std::vector<Group> groups_of(const Dataset& data, const Duplicates& found) {
  std::map<Int, Group> by_first;
  for (Int i = 0; i < data.size(); ++i)
    by_first[found.groups[static_cast<std::size_t>(i)]].members.push_back(i);
  for (const auto* twins : {&found.exact, &found.near})
    for (const Twins& t : *twins)
      by_first[found.groups[static_cast<std::size_t>(t.first)]].pairs.push_back(t);
  for (const Twins& t : found.conflicts)
    by_first[found.groups[static_cast<std::size_t>(t.first)]].conflict = true;
  std::vector<Group> list;
  for (auto& [first, group] : by_first)
    if (group.members.size() > 1) list.push_back(std::move(group));
  std::stable_sort(list.begin(), list.end(), [](const Group& a, const Group& b) {
    return std::pair(a.conflict, a.members.size()) > std::pair(b.conflict, b.members.size());
  });
  return list;
}

std::string thumbnail(const Dataset& data, Int i) {
  const LabelledFile& sample = data.samples[static_cast<std::size_t>(i)];
  const Image whole = read_image(data.root / sample.file);
  const double scale = std::min(
      1.0, static_cast<double>(longer_side) / static_cast<double>(std::max(whole.height, whole.width)));
  const auto side = [&](Int n) { return std::max<Int>(1, static_cast<Int>(static_cast<double>(n) * scale)); };
  return image(encode_png(resize_area(whole, side(whole.height), side(whole.width))), sample.file);
}

// The part of a picture that its twin shows too; nothing where that is the whole.
std::string outline(const Crop& part) {
  if (part.left <= 0 && part.top <= 0 && part.right >= 1 && part.bottom >= 1) return "";
  return fmt::format(
      "<span class=\"same\" style=\"left:{:.1f}%;top:{:.1f}%;width:{:.1f}%;height:{:.1f}%\"></span>",
      100 * part.left, 100 * part.top, 100 * (part.right - part.left), 100 * (part.bottom - part.top));
}

std::string card(const Dataset& data, const Group& group) {
  const bool two = group.members.size() == 2;
  std::string out = fmt::format("<article class=\"panel card group {}{}\"><div class=\"thumbs\">\n",
                                two                         ? "two"
                                : group.members.size() == 3 ? "three"
                                                            : "wide",
                                group.conflict ? " conflict" : "");
  std::map<Int, std::size_t> number;
  for (const Int i : group.members) {
    const LabelledFile& sample = data.samples[static_cast<std::size_t>(i)];
    number[i] = number.size() + 1;
    std::string same;
    if (two)
      same =
          outline(i == group.pairs[0].first ? group.pairs[0].overlap.first : group.pairs[0].overlap.second);
    out += fmt::format(
        "<figure><div class=\"frame\">{}{}</div><figcaption>{}. <b>{}</b><br>{}</figcaption></figure>\n",
        thumbnail(data, i), same, number[i],
        escape_html(data.classes[static_cast<std::size_t>(sample.label)]),
        escape_html(sample.file.substr(sample.file.find('/') + 1)));
  }
  out += "</div><div class=\"text\">";
  if (group.conflict) out += "<p class=\"answer\"><span class=\"pill wrong\">✗ different labels</span></p>\n";
  out += "<ul class=\"found\">\n";
  for (const Twins& t : group.pairs)
    out += fmt::format("<li><strong>{:.3f}</strong>{}–{}: {}</li>\n", t.overlap.correlation, number[t.first],
                       number[t.second], escape_html(t.kind));
  return out + "</ul></div></article>\n";
}

std::string cards(const Dataset& data, const std::vector<Group>& groups, bool conflict) {
  std::string out;
  for (const Group& group : groups)
    if (group.conflict == conflict) out += card(data, group);
  return out.empty() ? "<p>None.</p>\n" : "<div class=\"gallery\">\n" + out + "</div>\n";
}

std::string head(const Dataset& data, const Duplicates& found, const std::vector<Group>& groups) {
  const auto count = [](std::size_t n) { return fmt::format("{}", n); };
  return fmt::format(
             "<header>\n<p class=\"eyebrow\">Sonograd data audit</p>\n<h1>Pictures that are there more than "
             "once</h1>\n<p class=\"lead\">{}</p>\n</header>\n",
             escape_html(data.root.string())) +
         "<dl class=\"facts\">\n" + fact("images", count(data.samples.size())) +
         fact("equal pairs", count(found.exact.size())) + fact("near pairs", count(found.near.size())) +
         fact("pairs with different labels", count(found.conflicts.size())) +
         fact("groups", count(groups.size())) + fact("unreadable files", count(data.bad.size())) + "</dl>\n" +
         section(
             "How to read it",
             fmt::format(
                 "The number before a pair is the correlation of the two pictures' fine structure where "
                 "they overlap: each of 64 × 64 cells less the mean of the 9 × 9 cells about it, so that "
                 "gain and brightness do not count. {} or more is a pair; copies that were flipped, cropped, "
                 "shifted or shown with other gain reach 0.92 on BUSI, other pictures rarely 0.5, and what "
                 "lies between is for the eye to judge. Pairs that share a picture make one group. A dashed "
                 "frame is the part that was compared, where it is not the whole.",
                 near_correlation));
}

std::string unreadable(const Dataset& data) {
  std::string out = section("Files that cannot be read");
  if (data.bad.empty()) return out + "<p>None.</p>\n";
  Table table{{"file", "reason"}, {}};
  for (const UnreadableFile& bad : data.bad) table.rows.push_back({bad.file, bad.reason});
  return out + "<div class=\"panel scroll\">" + table.html() + "</div>\n";
}

}  // namespace

std::string contact_sheet(const Dataset& data, const Duplicates& found) {
  const std::vector<Group> groups = groups_of(data, found);
  const std::string body = head(data, found, groups) +
                           section("The same picture under different labels",
                                   "At least one label of each of these groups is wrong.") +
                           cards(data, groups, true) + section("The same picture under one label") +
                           cards(data, groups, false) + unreadable(data) +
                           "<footer>Written by Sonograd.</footer>\n";
  return html_page("Data audit: " + data.root.string(), page_style + std::string(sheet_style), body);
}

}  // namespace sonograd

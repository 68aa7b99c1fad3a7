#include "report/table.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"

using namespace sonograd;

TEST_CASE("csv quotes what would break a row, and reads back") {
  const Table table{{"file", "p"}, {{"a,b.png", "0.5"}, {"say \"x\"", ""}, {"two\nlines", "1"}}};
  CHECK(table.csv() == "file,p\n\"a,b.png\",0.5\n\"say \"\"x\"\"\",\n\"two\nlines\",1\n");
  const Table back = parse_csv(table.csv());
  CHECK(back.header == table.header);
  CHECK(back.rows == table.rows);
  CHECK(parse_csv("a,b\r\n1,2").rows == std::vector<std::vector<std::string>>{{"1", "2"}});
  CHECK_THROWS_WITH_AS(parse_csv("a\n\"b"), "csv line 2: a quote is never closed", Error);
}

TEST_CASE("text is aligned by code points") {
  const Table table{{"class", "recall"}, {{"bénin", "9 %"}, {"x", "100 %"}}};
  CHECK(table.text() == "class  recall\nbénin     9 %\nx       100 %\n");
}

TEST_CASE("columns of words stand to the left, numbers to the right") {
  const Table table{{"op", "kind", "error"}, {{"a", "x", "1e-05"}, {"longer", "yyy", "–"}}};
  CHECK(table.text() == "op      kind  error\na       x     1e-05\nlonger  yyy       –\n");
}

TEST_CASE("long text loses its middle") {
  CHECK(shortened("bénin", 5) == "bénin");
  CHECK(shortened("abcdéfgh", 6) == "ab…fgh");
  CHECK(shortened("ébcdéfgé", 5) == "éb…gé");
}

TEST_CASE("html shows any text as it is") {
  const Table table{{"a"}, {{"<script>\"&'"}}};
  CHECK(table.html() ==
        "<table>\n<thead><tr><th>a</th></tr>\n</thead>\n<tbody>\n"
        "<tr><td>&lt;script&gt;&quot;&amp;&#39;</td></tr>\n</tbody>\n</table>\n");
}

TEST_CASE("numbers") {
  CHECK(significant(1.0 / 3) == "0.333333333");
  CHECK(significant(std::nan("")).empty());
  CHECK(std::isnan(parse_number("")));
  CHECK(parse_number("1e-3") == 0.001);
  CHECK_THROWS_WITH_AS(parse_number("1x"), "'1x' is not a number", Error);
  CHECK(percent(0.88461, 1) == "88.5 %");
}

#pragma once
#include <string>

#include "report/html.h"

namespace sonograd {

// Pieces of report.html; every argument is plain text and is escaped here.
std::string image(std::string_view png, const std::string& alt);
std::string section(const std::string& heading, const std::string& about = "");  // an <h2> and what to know
std::string panel(const std::string& heading, const Svg& figure, const std::string& caption = "");
std::string fact(const std::string& name,
                 const std::string& value);  // for a <dl class="facts">; "" without value

// A whole page; `style` is CSS, `body` markup.
std::string html_page(const std::string& title, const std::string& style, const std::string& body);

std::string gallery_section(const ReportData& data);
std::string data_section(const ReportData& data);
std::string manifest_section(const ReportData& data);
std::string notes_section(const ReportData& data);

}  // namespace sonograd

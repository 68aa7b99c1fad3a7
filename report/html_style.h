#pragma once

namespace sonograd {

// The style of report.html: light and dark as the reader's system asks, a phone's width, and print.
extern const char* const page_style;

}  // namespace sonograd

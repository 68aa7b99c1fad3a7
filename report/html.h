#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "report/figures.h"
#include "report/history.h"
#include "report/manifest.h"
#include "report/metrics.h"
#include "report/predictions.h"

namespace sonograd {

struct SampleImage {
  std::string class_name, file;
  std::string png;  // the bytes of a PNG file, here and below
};

// One image of the gallery: what the model saw and what its answer rests on.
struct ExplainedImage {
  Prediction prediction;
  std::string image, overlay;  // PNG
  std::string note;            // such as "64 % of the heat lies in the lesion"; may be empty
};

struct ReportData {
  std::string title;  // "aeganb3 on breast ultrasound"
  std::string lead;   // one or two sentences under it
  Manifest manifest;
  Metrics test;
  History history;
  std::vector<Baseline> baselines;      // on the same test images
  std::vector<Prediction> predictions;  // of the test images; empty leaves out ROC and reliability
  std::vector<SampleImage> samples;
  std::vector<ExplainedImage> gallery;
  std::string explained_by;        // "Grad-CAM on batch_normalization_1 (logit, plain mean)"
  std::vector<std::string> notes;  // what limits these numbers; the page adds what is always true
};

// Writes RUN/report.html, one file that needs no other and no network, and the same figures and tables as
// RUN/figures/*.svg and RUN/tables/*.csv. Throws Error where the disk is full.
void write_report(const ReportData& data, const std::filesystem::path& run);

std::string report_html(const ReportData& data);
std::string base64(std::string_view bytes);

}  // namespace sonograd

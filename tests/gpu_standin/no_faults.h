#pragma once
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/gpu_standin/standin.h"

// For the file with main(): a test that leaves a breach of the stand-in's rules behind has failed, whatever
// it checked.
namespace {

bool left_behind = false;

struct NoFaults : doctest::IReporter {
  explicit NoFaults(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData& test) override { name = test.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    for (const std::string& fault : gpu_standin::take_faults()) {
      std::printf("%s: left behind: %s\n", name, fault.c_str());
      left_behind = true;
    }
  }
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  const char* name = "";
};
REGISTER_LISTENER("no faults", 1, NoFaults);

}  // namespace

// Every file of tests/data/resources: what is refused, with the sentence that its first lines give,
// and what is accepted. tests/system/kubernetes/test_resources.py gives the same files to a real
// API server.

#include "common/config/read_file.h"
#include "common/config/yaml_scalar.h"
#include "common/config/yaml_tree.h"
#include "common/resource/auth_kinds.h"
#include "common/resource/directory.h"
#include "tests/support/cpp/source_tree.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::resource {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

struct CorpusFile {
  std::string path;
  std::string name;  // Without its suffix: says the rule.

  friend void PrintTo(const CorpusFile& row, std::ostream* os) { *os << row.name; }
};

std::vector<CorpusFile> FilesIn(const std::string& folder) {
  std::vector<CorpusFile> out;
  const std::string parent = testing_support::SourcePath("tests/data/resources/");
  for (const auto& entry : std::filesystem::directory_iterator(parent + folder)) {
    out.push_back({entry.path().string(), entry.path().stem().string()});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return out;
}

std::string TextOf(const CorpusFile& file) {
  const Result<std::string> text = config::ReadFile(file.path, config::kMaxYamlBytes);
  return text ? *text : "";
}

// "a, b LAST c".
std::string Listed(const std::vector<std::string>& names, const std::string& last) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += (i == 0 ? "" : i + 1 == names.size() ? last : ", ") + names[i];
  }
  return out;
}

// What the sentences of the corpus name in braces: it changes with each kind of authentication.
std::string WithKinds(std::string text) {
  std::vector<std::string> kinds;
  for (const AuthKindRow& row : kAuthKinds) {
    kinds.emplace_back(row.name);
  }
  std::vector<std::string> all;
  std::vector<std::string> reserved;
  const auto* names = config::v1::AuthName_descriptor();
  for (int i = 1; i < names->value_count(); ++i) {
    all.push_back(
        config::CamelCase(names->value(i)->name().substr(std::string("AUTH_NAME_").size())));
    if (FindAuthKind(all.back()) == nullptr) {
      reserved.push_back(all.back());
    }
  }
  const std::vector<std::pair<std::string, std::string>> values = {
      {"{kinds}", Listed(kinds, " or ")},
      {"{reserved kinds}", Listed(reserved, " and ") + (reserved.size() > 1 ? " are" : " is")},
      {"{all names}", Listed(all, ", ")}};
  for (const auto& [name, value] : values) {
    if (const std::size_t at = text.find(name); at != std::string::npos) {
      text.replace(at, name.size(), value);
    }
  }
  return text;
}

// The lines "# validate LINE: PATH: SENTENCE".
std::string Expected(std::string_view text) {
  static constexpr std::string_view kMark = "# validate ";
  std::string out;
  while (text.starts_with("# ")) {
    const std::size_t end = text.find('\n');
    if (text.starts_with(kMark)) {
      out.append(out.empty() ? "" : "\n").append("f.yaml:");
      out.append(text.substr(kMark.size(), end - kMark.size()));
    }
    text.remove_prefix(end + 1);
  }
  return out;
}

const auto kNameOfRow = [](const auto& row) {
  std::string out = row.param.name;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
};

class RefusedFile : public ::testing::TestWithParam<CorpusFile> {};

TEST_P(RefusedFile, IsRefusedWithItsSentences) {
  const std::string text = TextOf(GetParam());
  const FileDocuments documents = ParseDocuments(text, "f.yaml");

  EXPECT_EQ(config::Format(documents.problems), WithKinds(Expected(text)));
  EXPECT_THAT(documents.problems, ::testing::Not(IsEmpty()));
  EXPECT_THAT(documents.connectors, IsEmpty());
  EXPECT_THAT(documents.classes, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Corpus, RefusedFile, ::testing::ValuesIn(FilesIn("refused")), kNameOfRow);

class AcceptedFile : public ::testing::TestWithParam<CorpusFile> {};

TEST_P(AcceptedFile, HasNoProblem) {
  std::vector<FileDocuments> files;
  files.push_back(ParseDocuments(TextOf(GetParam()), "f.yaml"));
  const std::size_t written = files[0].connectors.size();
  const DirectoryContent content = Assemble(std::move(files));

  EXPECT_EQ(config::Format(content.problems), "");
  EXPECT_THAT(content.connectors, SizeIs(written));
}

INSTANTIATE_TEST_SUITE_P(Corpus,
                         AcceptedFile,
                         ::testing::ValuesIn(FilesIn("accepted")),
                         kNameOfRow);

}  // namespace
}  // namespace connector::resource

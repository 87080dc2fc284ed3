#include "common/curl/wiped_buffer.h"

#include <gtest/gtest.h>

namespace connector::curl {
namespace {

TEST(WipedBuffer, KeepsWhatWasAppendedWhileItGrows) {
  WipedBuffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    buffer.Append(std::to_string(i));
    expected.append(std::to_string(i));
  }
  EXPECT_EQ(buffer.view(), expected);
}

TEST(WipedBuffer, EncodesAllButUnreservedCharacters) {
  WipedBuffer buffer;
  buffer.AppendPercentEncoded("aZ09-._~ /:,+&=%\xFF\n");
  EXPECT_EQ(buffer.view(), "aZ09-._~%20%2F%3A%2C%2B%26%3D%25%FF%0A");
}

TEST(WipedBuffer, OverwritesWhatItHeldWhenCleared) {
  WipedBuffer buffer;
  buffer.Append("s3cret");
  const char* bytes = buffer.view().data();
  buffer.Clear();
  EXPECT_EQ(std::string_view(bytes, 6), std::string_view("\0\0\0\0\0\0", 6));
}

TEST(Wipe, OverwritesTheTextInItsPlace) {
  std::string text = "s3cret";
  const char* bytes = text.data();
  Wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string_view(bytes, 6), std::string_view("\0\0\0\0\0\0", 6));
}

}  // namespace
}  // namespace connector::curl

#include "common/http/chunked.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::http {
namespace {

struct Decoded {
  std::string payload;
  std::size_t consumed = 0;
  ChunkedStatus status = ChunkedStatus::kMore;

  bool operator==(const Decoded&) const = default;
  friend void PrintTo(const Decoded& d, std::ostream* os) {
    *os << "'" << d.payload << "' after " << d.consumed << ", status "
        << static_cast<int>(d.status);
  }
};

// Feeds the whole input in pieces of `piece` bytes.
Decoded Decode(std::string_view input, std::size_t piece) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.consumed < input.size() && out.status == ChunkedStatus::kMore) {
    const std::string_view part = input.substr(out.consumed, piece);
    const ChunkedStep step = decoder.Next(part);
    out.payload.append(part.substr(step.payload_begin, step.payload_size));
    out.consumed += step.consumed;
    out.status = step.status;
  }
  return out;
}

std::string_view Body() {
  return "5\r\nhello\r\n1;name=\"v\"\r\n \r\n00A;x\r\nworld\r\n!!!\r\n"
         "0;last\r\nX-Trailer: y\r\nZ:\r\n\r\n";
}

TEST(ChunkedDecoder, ReadsChunksExtensionsAndTrailers) {
  EXPECT_EQ(Decode(Body(), Body().size()),
            (Decoded{"hello world\r\n!!!", Body().size(), ChunkedStatus::kDone}));
}

TEST(ChunkedDecoder, GivesTheSameWhereverTheInputIsCut) {
  const Decoded whole = Decode(Body(), Body().size());
  for (std::size_t piece = 1; piece < Body().size(); ++piece) {
    EXPECT_EQ(Decode(Body(), piece), whole) << piece;
  }
}

TEST(ChunkedDecoder, StopsAtTheEndOfTheBody) {
  EXPECT_EQ(Decode("0\r\n\r\nGET / HTTP/1.1", 100), (Decoded{"", 5, ChunkedStatus::kDone}));
}

TEST(ChunkedDecoder, NeedsTheFinalEmptyLine) {
  EXPECT_EQ(Decode("1\r\na\r\n0\r\n", 100).status, ChunkedStatus::kMore);
}

TEST(ChunkedDecoder, ReturnsThePayloadOfOneChunkInPieces) {
  ChunkedDecoder decoder;
  ASSERT_EQ(decoder.Next("a\r\n").payload_size, 0U);
  EXPECT_EQ(decoder.Next("0123").payload_size, 4U);
  EXPECT_EQ(decoder.Next("bcdefg\r\n0\r\n\r\n").payload_size, 6U);
  EXPECT_EQ(decoder.Next("\r\n0\r\n\r\n").status, ChunkedStatus::kDone);
}

TEST(ChunkedDecoder, TakesTheLargestSize) {
  ChunkedDecoder decoder;
  EXPECT_EQ(decoder.Next("7fffffffffffffff\r\n").status, ChunkedStatus::kMore);
  EXPECT_EQ(decoder.Next("payload\r\n0\r\n\r\n").payload_size, 14U) << "all of it is payload";
}

TEST(ChunkedDecoder, TakesLongExtensionsWhereThePayloadIsLonger) {
  std::string body;
  for (int i = 0; i < 200; ++i) {
    body += "400;" + std::string(200, 'x') + "\r\n" + std::string(1024, 'p') + "\r\n";
  }
  EXPECT_EQ(Decode(body + "0\r\n\r\n", 4096).status, ChunkedStatus::kDone);
}

struct RefusedChunks {
  std::string name;
  std::string input;

  friend void PrintTo(const RefusedChunks& row, std::ostream* os) { *os << row.name; }
};

class ChunkedDecoderRefuses : public ::testing::TestWithParam<RefusedChunks> {};

TEST_P(ChunkedDecoderRefuses, WhereverTheInputIsCut) {
  const std::string& input = GetParam().input;
  EXPECT_EQ(Decode(input, input.size()).status, ChunkedStatus::kError);
  EXPECT_EQ(Decode(input, 1).status, ChunkedStatus::kError);
}

std::string ManyTinyChunks() {
  std::string body;
  for (int i = 0; i < 100; ++i) {
    body += "1;" + std::string(200, 'x') + "\r\na\r\n";
  }
  return body;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ChunkedDecoderRefuses,
    ::testing::Values(RefusedChunks{"AnEmptySize", "\r\n\r\n"},
                      RefusedChunks{"AnExtensionWithoutSize", ";x\r\n"},
                      RefusedChunks{"ASizeThatIsNotHexadecimal", "g\r\n"},
                      RefusedChunks{"ASignedSize", "+5\r\nhello\r\n"},
                      RefusedChunks{"ANegativeSize", "-5\r\n"},
                      RefusedChunks{"ASizeWith0x", "0x5\r\nhello\r\n"},
                      RefusedChunks{"AnUnderscoreInTheSize", "1_0\r\n"},
                      RefusedChunks{"ASpaceBeforeTheSize", " 5\r\nhello\r\n"},
                      RefusedChunks{"ASpaceAfterTheSize", "5 \r\nhello\r\n"},
                      RefusedChunks{"ATabAfterTheSize", "5\t;x\r\nhello\r\n"},
                      RefusedChunks{"ASizeOf17Digits", "00000000000000005\r\nhello\r\n"},
                      RefusedChunks{"ASizeOver63Bits", "8000000000000000\r\n"},
                      RefusedChunks{"ASizeEndedByABareLf", "5\nhello\r\n"},
                      RefusedChunks{"ASizeEndedByABareCr", "5\rhello\r\n"},
                      RefusedChunks{"AnExtensionEndedByABareLf", "5;x\nhello\r\n0\r\n\r\n"},
                      RefusedChunks{"AnExtensionWithABareCr", "5;x\ry\r\nhello\r\n"},
                      RefusedChunks{"AnExtensionWithANul", std::string("5;\0\r\nhello\r\n", 12)},
                      RefusedChunks{"AnExtensionOver256Bytes",
                                    "5;" + std::string(257, 'x') + "\r\nhello\r\n"},
                      RefusedChunks{"ManyTinyChunksWithLongExtensions", ManyTinyChunks()},
                      RefusedChunks{"DataThatIsLongerThanItsSize", "5\r\nhellox\r\n"},
                      RefusedChunks{"DataFollowedByABareLf", "5\r\nhello\n0\r\n\r\n"},
                      RefusedChunks{"DataFollowedByTheNextSize", "5\r\nhello0\r\n\r\n"},
                      RefusedChunks{"DataFollowedByCrAndAnother", "5\r\nhello\rx"},
                      RefusedChunks{"ATrailerEndedByABareLf", "0\r\nX: y\n\r\n"},
                      RefusedChunks{"ATrailerWithABareCr", "0\r\nX: y\rz\r\n\r\n"},
                      RefusedChunks{"ATrailerWithoutColon", "0\r\nX\r\n\r\n"},
                      RefusedChunks{"ATrailerWithoutName", "0\r\n: y\r\n\r\n"},
                      RefusedChunks{"ASpaceBeforeTheColonOfATrailer", "0\r\nX : y\r\n\r\n"},
                      RefusedChunks{"AFoldedTrailer", "0\r\nX: y\r\n z\r\n\r\n"},
                      RefusedChunks{"ATrailerWithAControlByte", "0\r\nX: \x01\r\n\r\n"},
                      RefusedChunks{"TrailersOver8KiB",
                                    "0\r\nX: " + std::string(kMaxTrailerBytes, 'x') + "\r\n\r\n"},
                      RefusedChunks{"AnEndWithABareLf", "0\r\n\n"},
                      RefusedChunks{"AnEndWithABareCr", "0\r\n\rx"}),
    [](const auto& row) { return row.param.name; });

TEST(ChunkedDecoder, StaysRefusedAfterAnError) {
  ChunkedDecoder decoder;
  ASSERT_EQ(decoder.Next("x").status, ChunkedStatus::kError);
  EXPECT_EQ(decoder.Next("0\r\n\r\n").status, ChunkedStatus::kError);
}

std::string ChunkHeader(std::uint64_t size) {
  char header[kMaxChunkHeaderBytes];
  return {header, WriteChunkHeader(size, header)};
}

TEST(WriteChunkHeader, WritesWhatTheDecoderReads) {
  for (const std::uint64_t size : {std::uint64_t{1},
                                   std::uint64_t{15},
                                   std::uint64_t{16},
                                   std::uint64_t{65536},
                                   std::uint64_t{0x7FFFFFFFFFFFFFFF}}) {
    const std::string out = ChunkHeader(size);
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.Next(out).consumed, out.size());
    EXPECT_EQ(std::stoull(out, nullptr, 16), size);
  }
}

TEST(WriteChunkHeader, WritesLowerCaseWithoutLeadingZeros) {
  EXPECT_EQ(ChunkHeader(0xAB0), "ab0\r\n");
}

}  // namespace
}  // namespace connector::http

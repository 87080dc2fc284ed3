#include "csi/files/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::csi::files {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(OwnMounts, FindsTheVolumesAmongAllMounts) {
  constexpr const char* kTable =
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
      "51 22 0:40 / /run rw,nosuid - tmpfs tmpfs rw,size=1k\n"
      "60 22 0:51 / /pods/u/volumes/kubernetes.io~csi/a/mount ro,nosuid,nodev,noexec,relatime "
      "shared:9 master:2 - tmpfs oci-connector:csi-1 rw,size=4096k,mode=755\n"
      "61 22 0:52 / /pods/my\\040pod ro - tmpfs oci-connector:csi-2 rw\n";

  EXPECT_THAT(OwnMounts(kTable),
              ElementsAre(OwnMount{60, "/pods/u/volumes/kubernetes.io~csi/a/mount", "csi-1"},
                          OwnMount{61, "/pods/my pod", "csi-2"}));
}

TEST(OwnMounts, IsNotTakenInByAPathOrAnOptionThatLooksLikeOurSource) {
  constexpr const char* kTable =
      "60 22 0:51 / /x/oci-connector:csi-1 ro - tmpfs tmpfs rw\n"
      "61 22 0:51 / /x ro oci-connector:csi-1 - tmpfs tmpfs rw\n"
      "62 22 0:51 / /x ro - ext4 oci-connector:csi-1 rw\n";

  EXPECT_THAT(OwnMounts(kTable), IsEmpty());
}

TEST(OwnMounts, SkipsLinesThatAreCut) {
  EXPECT_THAT(
      OwnMounts("60 22 0:51 / /x ro - tmpfs\n61\n\nx 2 0:1 / /x ro - tmpfs oci-connector:a rw"),
      IsEmpty());
}

}  // namespace
}  // namespace connector::csi::files

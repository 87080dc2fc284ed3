#include "common/resilience/random.h"

#include <random>

namespace connector::resilience {

double RandomFraction() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace connector::resilience

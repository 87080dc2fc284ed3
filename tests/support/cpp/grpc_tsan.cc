// Linked into tests that run a gRPC server or client. The distribution's gRPC and Abseil are not
// instrumented, so that ThreadSanitizer does not see how they hand a call from thread to thread,
// and takes every such hand-over for a race. Reports with a gRPC frame are left out for these
// tests; what the project itself shares between threads has unit tests without gRPC.

extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1";
}

extern "C" const char* __tsan_default_suppressions() {
  return "race:grpc::\nrace:grpc_core::\nrace:libgrpc\nrace:libabsl\n"
         "race:connector::grpc_support::UnaryCalls\nmutex:libgrpc\nmutex:libabsl\n";
}

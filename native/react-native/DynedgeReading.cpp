#include "DynedgeReading.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "DynedgeCalls.h"
#include "DynedgeFile.h"
#include "DynedgeRunner.h"

namespace facebook::react {

namespace {

/** What JavaScript gets at a time: a file of any size is read through as much memory. */
constexpr size_t kChunk = 1 << 20;

/** Never without an address, which an engine takes for a buffer that was given away. */
class Bytes : public jsi::MutableBuffer {
 public:
  explicit Bytes(size_t count) : bytes_(std::max<size_t>(count, 1)), size_(count) {}
  size_t size() const override { return size_; }
  uint8_t *data() override { return bytes_.data(); }

 private:
  std::vector<uint8_t> bytes_;
  const size_t size_;
};

/** Where work is done, and where its promises are settled. */
struct Threads {
  const std::shared_ptr<dynedge::Runner> runner;
  const std::weak_ptr<CallInvoker> invoker;
};

/** Work on another thread, and then a promise: what `give` makes of it in JavaScript's, or `fault`. */
class Job : public dynedge::Task, public std::enable_shared_from_this<Job> {
 public:
  using Work = std::function<void(dynedge::Fault &)>;
  using Give = std::function<jsi::Value(jsi::Runtime &)>;

  Job(std::weak_ptr<CallInvoker> invoker, std::weak_ptr<Answer> answer, Work work, Give give)
      : invoker_(std::move(invoker)), answer_(std::move(answer)), work_(std::move(work)), give_(std::move(give)) {}

  void run() noexcept override {
    try {
      work_(fault_);
    } catch (const std::exception &) {
      fault_ = {"out-of-memory", "there was no memory to read it"};
    }
    // What it holds is JavaScript's to close when it hears of this.
    work_ = nullptr;
    try {
      if (const auto invoker = invoker_.lock())
        invoker->invokeAsync([self = shared_from_this()](jsi::Runtime &rt) { self->settle(rt); });
    } catch (const std::exception &) {
      // Without memory for that nobody can be told.
    }
  }

  /** Reading a chunk is soon over. */
  void stop() noexcept override {}

 private:
  void settle(jsi::Runtime &rt) const {
    const auto answer = answer_.lock();
    if (!answer) return;
    answer->allowRelease();
    try {
      const auto given = give_(rt);
      if (fault_.code) answer->reject.call(rt, errorOf(rt, fault_.code, fault_.message));
      else answer->resolve.call(rt, given);
    } catch (const jsi::JSError &error) {
      answer->reject.call(rt, error.value());
    }
  }

  const std::weak_ptr<CallInvoker> invoker_;
  const std::weak_ptr<Answer> answer_;
  Work work_;
  const Give give_;
  dynedge::Fault fault_;
};

jsi::Value later(jsi::Runtime &rt, const Threads &threads, Job::Work work, Job::Give give) {
  std::shared_ptr<Answer> answer;
  auto promise = promised(rt, answer);
  if (threads.runner->start(std::make_shared<Job>(threads.invoker, answer, std::move(work), std::move(give))))
    return promise;
  answer->allowRelease();
  fail(rt, "out-of-memory", "No thread could be started.");
}

/** A file as JavaScript's thread sees it; the thread that reads has shares of its own. */
struct Reader {
  const Threads threads;
  std::shared_ptr<dynedge::File> file;
  std::shared_ptr<Bytes> chunk;
  bool busy = false;
};

jsi::Value read(jsi::Runtime &rt, const std::shared_ptr<Reader> &reader) {
  if (!reader->file) fail(rt, "usage", "This file was closed; open it again.");
  if (reader->busy) fail(rt, "usage", "This file is being read; await that first.");
  const auto bytes = std::make_shared<size_t>(0);
  auto promise = later(
      rt,
      reader->threads,
      [file = reader->file, chunk = reader->chunk, bytes](dynedge::Fault &fault) {
        *bytes = file->read(chunk->data(), chunk->size(), fault);
      },
      [reader, bytes](jsi::Runtime &) {
        reader->busy = false;
        return jsi::Value(static_cast<double>(*bytes));
      });
  reader->busy = true;
  return promise;
}

jsi::Value readerOf(jsi::Runtime &rt, const std::shared_ptr<Reader> &reader) {
  jsi::Object result(rt);
  result.setProperty(rt, "size", static_cast<double>(reader->file->size()));
  result.setProperty(rt, "buffer", jsi::ArrayBuffer(rt, reader->chunk));
  define(rt, result, "read", 0, [reader](auto &runtime, auto *, size_t count) {
    checkCount(runtime, "read", count, 0);
    return read(runtime, reader);
  });
  define(rt, result, "close", 0, [reader](auto &, auto *, size_t) {
    reader->file = nullptr;
    return jsi::Value::undefined();
  });
  return jsi::Value(rt, result);
}

std::string textOf(jsi::Runtime &rt, const char *called, const char *expected, const jsi::Value *given, size_t count) {
  checkCount(rt, called, count, 1);
  if (!given[0].isString())
    fail(rt, "bad-input", std::string(called) + " got " + shown(rt, given[0]) + ", expected " + expected + ".");
  return given[0].getString(rt).utf8(rt);
}

} // namespace

jsi::Value openFile(
    jsi::Runtime &rt,
    const std::shared_ptr<dynedge::Runner> &runner,
    const std::shared_ptr<CallInvoker> &invoker,
    const jsi::Value *given,
    size_t count) {
  const auto path = textOf(rt, "openFile", "an absolute path", given, count);
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos)
    fail(rt, "bad-input", "no absolute path, or one with a character 0");
  const auto reader = std::make_shared<Reader>(Reader{{runner, invoker}});
  return later(
      rt,
      reader->threads,
      [reader, path](dynedge::Fault &fault) {
        reader->file = dynedge::File::open(path, fault);
        if (!reader->file) return;
        // One byte more than an empty file has shows that it is still empty.
        const uint64_t size = std::max<uint64_t>(reader->file->size(), 1);
        reader->chunk = std::make_shared<Bytes>(static_cast<size_t>(std::min<uint64_t>(size, kChunk)));
      },
      [reader](jsi::Runtime &runtime) { return reader->chunk ? readerOf(runtime, reader) : jsi::Value::undefined(); });
}

jsi::Value decodeBase64(jsi::Runtime &rt, const jsi::Value *given, size_t count) {
  const auto text = textOf(rt, "decodeBase64", "base64", given, count);
  auto bytes = std::make_shared<Bytes>(dynedge::base64Bytes(text));
  const size_t done = dynedge::decodeBase64(text, bytes->data());
  if (done != text.size())
    fail(rt, "bad-input", "no base64 with padding: wrong from character " + std::to_string(done) + " on");
  return jsi::Value(rt, jsi::ArrayBuffer(rt, std::move(bytes)));
}

jsi::Value packageName(jsi::Runtime &rt, size_t count) {
  checkCount(rt, "packageName", count, 0);
  return jsi::Value(rt, jsi::String::createFromUtf8(rt, dynedge::packageName()));
}

} // namespace facebook::react

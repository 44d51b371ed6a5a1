// Boost.Signals2 behind a C interface, so that it is measured in the same run as everything else.
// The slot is the same callback as in Rust: one relaxed add, eight bytes captured.

#include <atomic>
#include <boost/signals2.hpp>
#include <boost/version.hpp>
#include <cstddef>
#include <cstdint>
#include <new>

namespace {

// The layout of `Event` in src/event.rs.
struct Event {
    std::atomic<std::uint64_t>* sums;
    std::uint64_t number;
};

struct Slot {
    std::size_t lane;

    void operator()(const Event& event) const {
        auto& sum = event.sums[lane];
        sum.store(sum.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
};

using Signal = boost::signals2::signal<void(const Event&)>;
using Connection = boost::signals2::connection;

// The layout of `Connection` in src/peers/boost.rs: two words.
static_assert(sizeof(Connection) == 2 * sizeof(void*));
static_assert(alignof(Connection) == alignof(void*));

} // namespace

extern "C" {

const char* pulsebus_boost_version() { return BOOST_LIB_VERSION ", compiled by GCC or Clang " __VERSION__; }

Signal* pulsebus_boost_new() { return new Signal; }

void pulsebus_boost_delete(Signal* signal) { delete signal; }

void pulsebus_boost_emit(const Signal* signal, const Event* event) { (*signal)(*event); }

// Writes the connection to `out`, which is uninitialised; `pulsebus_boost_disconnect` ends its life.
void pulsebus_boost_connect(Signal* signal, std::size_t lane, void* out) {
    new (out) Connection(signal->connect(Slot{lane}));
}

void pulsebus_boost_disconnect(void* connection) {
    auto* handle = static_cast<Connection*>(connection);
    handle->disconnect();
    handle->~Connection();
}

// Forgets the handle without disconnecting.
void pulsebus_boost_forget(void* connection) { static_cast<Connection*>(connection)->~Connection(); }
}

//! Compiles the shim around Boost.Signals2 where Boost's headers are installed.

const SHIM: &str = "shim/boost_signals2.cpp";

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_boost)");
    println!("cargo::rerun-if-changed={SHIM}");

    let mut shim = cc::Build::new();
    shim.cpp(true).std("c++17").file(SHIM).define("NDEBUG", None);
    // The preprocessor alone tells whether a compiler and the headers are there; an error in the
    // shim itself still fails the build below.
    if shim.clone().cargo_warnings(false).try_expand().is_ok() {
        shim.compile("pulsebus_boost_shim");
        println!("cargo::rustc-cfg=has_boost");
    } else {
        println!(
            "cargo::warning=Boost.Signals2 is left out of the comparison: no C++ compiler or no \
             Boost headers (Debian: apt-get install g++ libboost-dev, then touch benches/build.rs)"
        );
    }
}

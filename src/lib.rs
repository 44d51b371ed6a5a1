//! pulsebus.

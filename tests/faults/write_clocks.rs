//! A write whose answer is lost, under every clock: nothing is written twice, nothing is lost.

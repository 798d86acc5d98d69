//! Every call of the read side fails in turn; then the source is well again, and the target is as after an undisturbed run.

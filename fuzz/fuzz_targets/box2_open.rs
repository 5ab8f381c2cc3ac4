#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(box2_open);

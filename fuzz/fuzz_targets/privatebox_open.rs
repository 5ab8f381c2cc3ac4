#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(privatebox_open);

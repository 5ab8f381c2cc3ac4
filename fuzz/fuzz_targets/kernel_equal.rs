#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(kernel_equal);

#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(address_parse);

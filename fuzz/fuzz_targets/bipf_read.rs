#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(bipf_read);

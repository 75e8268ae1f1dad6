"""One file a panel: each turns results into Panel data, none computes."""

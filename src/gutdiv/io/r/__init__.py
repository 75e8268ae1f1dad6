"""R's files without R: unpacked, taken apart into objects, and what of them is a table or a part beside one."""

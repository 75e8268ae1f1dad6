"""What travels between stages: frozen records that hold data, know no file and do no work."""

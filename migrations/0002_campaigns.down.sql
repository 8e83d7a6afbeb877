DROP TABLE suppression, refused_row, import_batch, import, recipient, campaign_counter, campaign;
DROP SEQUENCE refused_row_id_seq, recipient_id_seq;

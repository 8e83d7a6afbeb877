DROP VIEW reporting.nodes;
DROP TABLE node;

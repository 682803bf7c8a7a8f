-- +goose Up
-- SQLite has no row-level security (the other half of this pair) and no
-- LISTEN/NOTIFY. Processes that share the file (the server and the command
-- line) tell each other here whose cached answers are no longer true.
CREATE TABLE changes (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL
);

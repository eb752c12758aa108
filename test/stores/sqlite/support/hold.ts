import Database from 'libsql';

// Holds the write lock of a new file until a moment after it has reported so.
const database = new Database(process.argv[2] ?? '');
database.exec('BEGIN IMMEDIATE; CREATE TABLE others (id)');
process.stdout.write('held\n');
setTimeout(() => database.exec('COMMIT'), 300);

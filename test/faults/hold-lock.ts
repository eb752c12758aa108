import Libsql from 'libsql';

// Holds the write lock of a file until its input ends.
const database = new Libsql(process.argv[2] ?? '');
for (;;) {
  try {
    database.exec('BEGIN IMMEDIATE');
    break;
  } catch {
    // Other processes are writing at the moment.
  }
}
process.once('message', () => {
  database.exec('COMMIT');
  process.disconnect();
});
process.send?.('held');

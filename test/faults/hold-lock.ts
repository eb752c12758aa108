import Libsql from 'libsql';

// Holds the write lock of a file until it is told to let go.
const database = new Libsql(process.argv[2] ?? '');
for (;;) {
  try {
    database.exec('BEGIN IMMEDIATE');
    break;
  } catch {
    // Others are writing just now.
  }
}
process.once('message', () => {
  database.exec('COMMIT');
  process.disconnect();
});
process.send?.('held');

// What `changeset version` writes into CHANGELOG.md: the text of each changeset as its author wrote
// it. A commit hash, which the tool's own format puts before the text, helps no user.

module.exports = {
  getReleaseLine: async ({ summary }) => `\n${asListItem(summary)}`,
  // The package has no packages of this repository as dependencies.
  getDependencyReleaseLine: async () => '',
};

function asListItem(summary) {
  const [first, ...rest] = summary.split('\n').map((line) => line.trimEnd());
  return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
}

export default { serverExternalPackages: [], devIndicators: false };

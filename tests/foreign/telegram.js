// A Telegram that nobody here wrote: npm's telegram-test-api, until standard input ends.
// Usage: node telegram.js PORT
const {TelegramServer} = require('telegram-test-api/lib/telegramServer');

const server = new TelegramServer({port: Number(process.argv[2]), host: '127.0.0.1'});
server.start().then(() => console.log('listening'));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));

// Chats with another client over Debian's node-ws; prints every frame it gets, a line each.
// usage: node node_client.js URL USER TO TEXT
const { WebSocket } = require("ws");

const [url, user, to, text] = process.argv.slice(2);
const socket = new WebSocket(url, "chat.v1");

socket.on("open", () => {
  socket.send(JSON.stringify({ type: "hello", id: 1, user }));
  socket.send(JSON.stringify({ type: "send", id: 2, cid: "from-node", to, body: { text } }));
});
socket.on("message", (data) => {
  console.log(data.toString());
  if (JSON.parse(data).type === "msg") socket.close(1000);
});
socket.on("close", (code) => process.exit(code === 1000 ? 0 : 1));

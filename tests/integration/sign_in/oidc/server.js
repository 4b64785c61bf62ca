// An OpenID Connect provider for tests: panva's oidc-provider with its login and consent forms, on 127.0.0.1 only.
// Whoever is typed into its form is who they say; an address that begins with "unverified" is none it has verified.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const { default: Provider } = await import(createRequire(import.meta.url).resolve('oidc-provider'))
const port = Number(process.env.PORT)
const secret = randomBytes(16).toString('hex')
let signed = 0

const account = id => ({
  accountId: id,
  claims: () => ({ sub: id, email: id, email_verified: !id.startsWith('unverified'), name: 'Somebody' }),
})

// Each has a signing key of its own; what it has stored stays, for the adapter keeps it in the process.
function provider() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: `key-${++signed}` }
  return new Provider(`http://127.0.0.1:${port}`, {
    jwks: { keys: [key] },
    cookies: { keys: [secret] },
    clients: [
      {
        client_id: 'headwater',
        client_secret: process.env.CLIENT_SECRET,
        redirect_uris: [process.env.REDIRECT_URI],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: true,
    pkce: { required: () => true },
    findAccount: (_, id) => account(id),
  })
}

let answer = provider().callback()
const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/test/rotate') {
    answer = provider().callback()
    response.end()
    return
  }
  answer(request, response)
})
server.listen(port, '127.0.0.1', () => console.log('listening'))

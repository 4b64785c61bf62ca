// A CAP server for tests: on 127.0.0.1 only, V4 and V2, with a door by which a test puts rows into the database.
const cds = require('@sap/cds')
const express = require('express')
const cov2ap = require('@cap-js-community/odata-v2-adapter')

const host = '127.0.0.1'
const port = Number(process.env.PORT)

cds.on('bootstrap', app => {
  app.post('/test/run', express.json({ limit: '64mb' }), async (request, response) => {
    const { entity, remove, insert } = request.body
    if (remove === true) await cds.db.run(DELETE.from(entity))
    if (Array.isArray(remove)) for (const where of remove) await cds.db.run(DELETE.from(entity).where(where))
    if (insert?.length) await cds.db.run(INSERT.into(entity).entries(insert))
    response.json({})
  })
  app.get('/test/versions', (request, response) => {
    const { version } = require('@cap-js-community/odata-v2-adapter/package.json')
    response.json({ cap: cds.version, adapter: version })
  })
  app.use(cov2ap({ target: `http://${host}:${port}` }))
})

module.exports = options => cds.server({ ...options, port: { port, host } })

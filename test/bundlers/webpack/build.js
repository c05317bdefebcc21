import { copyFileSync } from 'node:fs'
import { promisify } from 'node:util'
import webpack from 'webpack'
import config from './webpack.config.js'

const stats = await promisify(webpack)(config)
if (stats.hasErrors()) throw new Error(stats.toString())
copyFileSync('index.html', 'dist/index.html')
